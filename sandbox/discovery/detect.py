"""The door: a repository's tree → its recipe, by the language that its files show."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

from sandbox.api import BadInput
from sandbox.discovery import golang, javascript, overrides, python, rust
from sandbox.discovery.overrides import NOTHING, Overrides
from sandbox.discovery.recipe import Language, Recipe
from sandbox.discovery.requirements import read_text

READERS: Mapping[Language, Callable[[Path, Overrides], Recipe]] = {
    "python": python.read, "go": golang.read, "rust": rust.read, "javascript": javascript.read,
}  # fmt: skip
# The first that fits decides: a file and what stands in it. Tools of every language keep settings in pyproject.toml and
# setup.cfg, and projects of every language have a package.json for the tools around them; a Python package may be
# built by cargo. A Python file anywhere comes after them, and then whatever is there.
SIGNS: tuple[tuple[str, str, Language], ...] = (
    ("pyproject.toml", r"^\s*\[(project|build-system|dependency-groups|tool\.(poetry|flit|pdm|hatch))\b", "python"),
    ("setup.py", "", "python"),
    ("setup.cfg", r"^\[(metadata|options)\b", "python"),
    ("Pipfile", "", "python"),
    ("go.mod", "", "go"),
    ("Cargo.toml", "", "rust"),
    ("package.json", r'"test"\s*:\s*"(?!echo \\"Error: no test)', "javascript"),
    ("requirements.txt", "", "python"),
    ("tox.ini", "", "python"),
    ("pytest.ini", "", "python"),
    ("pyproject.toml", r"^\s*\[tool\.(pytest|tox|solve)\b", "python"),
)
# Files that say little, and what most source files must then be written in, if there are any.
LAST_SIGNS: tuple[tuple[str, tuple[str, ...], Language], ...] = (
    ("package.json", ("", "JavaScript", "TypeScript"), "javascript"), ("pyproject.toml", ("",), "python"),
    ("setup.cfg", ("",), "python"),
)  # fmt: skip
SOURCES: Mapping[str, str] = {
    ".py": "Python", ".c": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".cs": "C#", ".ex": "Elixir", ".go": "Go",
    ".hs": "Haskell", ".java": "Java", ".js": "JavaScript", ".jl": "Julia", ".kt": "Kotlin", ".lua": "Lua", ".m": "C",
    ".php": "PHP", ".pl": "Perl", ".rb": "Ruby", ".rs": "Rust", ".scala": "Scala", ".swift": "Swift",
    ".ts": "TypeScript",
}  # fmt: skip
_MAX_FILES = 20_000


def detect(tree: Path, asked: Overrides = NOTHING) -> Recipe:
    """How the repository in the folder `tree` is built and tested. Pure: files are read as data, nothing runs.

    What a person `asked` for goes before the repository's `[tool.solve]`, and that before all else it says.

    Raises:
        BadInput: nothing in it says how, or `[tool.solve]` cannot be used.
    """
    settings = asked.over(overrides.read(tree))
    return READERS[settings.language or _language(tree)](tree, settings)


def _language(tree: Path) -> Language:
    for name, stated, language in SIGNS:
        text = read_text(tree, name)
        if text is not None and re.search(stated, text, re.MULTILINE):
            return language
    most = _most(tree)
    if most == "Python" or any(islice(tree.glob("*.py"), 1)):
        return "python"
    for name, mostly, language in LAST_SIGNS:
        if most in mostly and (tree / name).is_file():
            return language
    signs = ", ".join(dict.fromkeys(name for name, _, _ in SIGNS))
    if not most:
        raise BadInput(f"no project in {tree} that can be built: none of {signs}, and no .py file")
    raise BadInput(
        f"{tree} is mostly {most}, and none of {signs} says how it is built: where a part of it can be, "
        "`language` and `test-command` of [tool.solve] in a pyproject.toml say how (docs/images.md)"
    )


def _most(tree: Path) -> str:
    """What most of its source files are written in; empty where there is none."""
    names = (
        path.suffix for path in islice(tree.rglob("*.*"), _MAX_FILES) if not {".git", "node_modules"} & {*path.parts}
    )
    counts = Counter(SOURCES[suffix] for suffix in names if suffix in SOURCES)
    return counts.most_common(1)[0][0] if counts else ""
