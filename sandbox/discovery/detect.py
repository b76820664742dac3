"""The door: a repository's tree → its recipe, by the language that its files show."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

from sandbox.api import BadInput
from sandbox.discovery import overrides, python
from sandbox.discovery.overrides import NOTHING, Overrides
from sandbox.discovery.recipe import Language, Recipe

READERS: Mapping[Language, Callable[[Path, Overrides], Recipe]] = {"python": python.read}
# The first that is there decides; a Python file anywhere is the last sign.
SIGNS: tuple[tuple[str, Language], ...] = (
    ("pyproject.toml", "python"), ("setup.py", "python"), ("setup.cfg", "python"), ("Pipfile", "python"),
)  # fmt: skip


def detect(tree: Path, asked: Overrides = NOTHING) -> Recipe:
    """How the repository in the folder `tree` is built and tested. Pure: files are read as data, nothing runs.

    What a person `asked` for goes before the repository's `[tool.solve]`, and that before all else it says.

    Raises:
        BadInput: nothing in it says how, or `[tool.solve]` cannot be used.
    """
    settings = asked.over(overrides.read(tree))
    return READERS[settings.language or _language(tree)](tree, settings)


def _language(tree: Path) -> Language:
    for name, language in SIGNS:
        if (tree / name).is_file():
            return language
    if any(islice(tree.rglob("*.py"), 1)):
        return "python"
    signs = ", ".join(name for name, _ in SIGNS)
    raise BadInput(f"no project in {tree} that can be built: none of {signs}, and no .py file")
