"""Company context: documentation folders and sibling repositories that are searched beside the solved repository.

They are named in `[tool.solve] context = [...]` of the solved repository's pyproject.toml, or of the person's own
`solve.toml`. The repository's word is not trusted: what it names must lie inside itself. Folders elsewhere on this
machine are the person's to name, for else any repository could have its reader's files read out.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from agents.index.bm25 import bm25
from agents.index.index import Index, store_path
from agents.index.mentions import read_issue
from agents.index.snapshot import Snapshot
from agents.index.words import STEM_MARK
from sandbox.api import BadInput

SETTINGS = "solve.toml"


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of a document, or a symbol of a sibling repository."""

    origin: str  # the folder as it was named; "" for the solved repository's own documents
    path: str
    name: str  # heading or symbol
    line: int
    last: int
    score: float  # BM25: only the order means something, and across origins that only roughly


def search_context(snapshot: Snapshot, repo: Path, issue: str, top: int = 10) -> list[Passage]:
    """Passages of the repository's documents and of everything its context names, best first."""
    found = passages(snapshot, issue, top=top)
    for name, folder in context_folders(repo):
        with Index(store_path(folder)) as index:
            found += passages(index.build(folder), issue, origin=name, top=top)
    return sorted(found, key=lambda passage: -passage.score)[:top]


def context_folders(repo: Path, settings: Path | None = None) -> list[tuple[str, Path]]:
    """Named folders, `(as named, where)`. Those of the repository first.

    Raises BadInput: a folder does not exist, leaves the repository that names it, or the setting is misspelt.
    """
    settings = settings or platformdirs.user_config_path("solve") / SETTINGS
    root = repo.resolve()
    found: list[tuple[str, Path]] = []
    for name in _named(root / "pyproject.toml"):
        folder = (root / name).resolve()
        if not folder.is_relative_to(root):
            raise BadInput(
                f"pyproject.toml names {name}, outside of the repository: if you trust it, name it in {settings}"
            )
        found.append((name, folder))
    found += [(name, (settings.parent / Path(name).expanduser()).resolve()) for name in _named(settings)]
    for name, folder in found:
        if not folder.is_dir():
            raise BadInput(f"context names {name}, which is no folder: mend [tool.solve] context")
    return found


def _named(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            tool: dict[str, Any] = tomllib.load(file).get("tool", {}).get("solve", {})
    except FileNotFoundError:
        return []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no TOML: {error}") from error
    names = tool.get("context", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadInput(f"[tool.solve] context in {path} must be a list of folders")
    return names


def passages(snapshot: Snapshot, issue: str, origin: str = "", top: int = 10) -> list[Passage]:
    """The units that fit the issue's words best. With an origin of everything, else of documents alone."""
    scope = np.ones(len(snapshot.paths), np.bool_) if origin else ~snapshot.code_file
    mentions = read_issue(issue)
    query = {form: weight for form, weight in mentions.body.items() if form.startswith(STEM_MARK)}
    for form, weight in mentions.title.items():
        if form in query:
            query[form] += weight
    if not scope.any() or not query:
        return []
    scores = bm25(snapshot, [query], scope, "text", snapshot.length).unit[0]
    best = np.argsort(-scores, kind="stable")[:top]
    return [
        Passage(
            origin,
            snapshot.paths[snapshot.unit_file[unit]],
            snapshot.qualified(unit),
            int(snapshot.line[unit]),
            int(snapshot.last[unit]),
            float(scores[unit]),
        )
        for unit in best.tolist()
        if scores[unit] > 0
    ]
