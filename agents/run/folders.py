"""Where this program keeps things on the host."""

from pathlib import Path

import platformdirs

TOP = Path(__file__).resolve().parents[2]


def runs_folder() -> Path:
    """`runs/` of the checkout this program runs from, else the user's own data folder."""
    beside = TOP / "runs"
    return beside if beside.is_dir() else Path(platformdirs.user_data_dir("solve")) / "runs"
