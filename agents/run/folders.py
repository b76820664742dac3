"""Where this program keeps things on the host."""

from collections.abc import Mapping
from pathlib import Path

import platformdirs

TOP = Path(__file__).resolve().parents[2]


def runs_folder() -> Path:
    """`runs/` of the checkout this program runs from, else the user's own data folder."""
    beside = TOP / "runs"
    return beside if beside.is_dir() else Path(platformdirs.user_data_dir("solve")) / "runs"


def cache_folder(environment: Mapping[str, str]) -> Path:
    """What can be made again: images, wheels, verdicts."""
    return Path(environment.get("SOLVE_CACHE_DIR") or platformdirs.user_cache_dir("solve"))
