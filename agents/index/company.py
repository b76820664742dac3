"""Company context: documentation folders and sibling repositories that are searched beside the solved repository.

They are named in `[tool.solve] context = [...]` of the solved repository's pyproject.toml, or of the person's own
`solve.toml`. The repository's word is not trusted: what it names must lie inside itself. Folders elsewhere on this
machine are the person's to name, for else any repository could have its reader's files read out.
"""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from agents.index.arrays import Floats, Mask
from agents.index.bm25 import bm25
from agents.index.index import Index, store_path
from agents.index.mentions import read_issue
from agents.index.snapshot import Snapshot
from agents.index.textual import best_of_file
from agents.index.tree import Read, read_regular, reader
from agents.index.words import STEM_MARK
from sandbox.api import BadInput

SETTINGS = "solve.toml"
MOST = 10  # passages of one origin


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of a document, or a symbol of a sibling repository."""

    origin: str  # the folder as it was named; "" for the solved repository's own documents
    path: str
    name: str  # heading or symbol
    line: int
    last: int
    place: int  # how many files of the repository's own code answer the words better: where it ranks among them
    text: str


def search_context(snapshot: Snapshot, read: Read, repo: Path, issue: str, top: int = 10) -> list[Passage]:
    """Passages of the repository's documents and of everything its context names, best first.

    Words are weighed within each origin, so that the order across origins is a rough one.

    Raises BadInput: as `context_folders`.
    """
    query = _query(issue)
    code = best_of_file(snapshot, _scores(snapshot, query, snapshot.candidates))[snapshot.candidates]
    rivals = np.sort(code)[::-1]
    root, folders = repo.resolve(), context_folders(repo)
    inside = {f"{folder.relative_to(root)}/": name for name, folder in folders if folder.is_relative_to(root)}
    named = np.array([path.startswith((*inside,)) for path in snapshot.paths], np.bool_)
    found = [
        replace(passage, origin=next((name for prefix, name in inside.items() if passage.path.startswith(prefix)), ""))
        for passage in _best(snapshot, read, query, named | ~snapshot.code_file, "", rivals)
    ]
    for name, folder in folders:
        if not folder.is_relative_to(root):
            with Index(store_path(folder)) as index, index.open_tree(folder) as tree:
                other = index.build_tree(tree)
                everything = np.ones(len(other.paths), np.bool_)
                found += _best(other, reader(tree), query, everything, name, rivals)
    return sorted(found, key=lambda passage: passage.place)[:top]


def context_folders(repo: Path, settings: Path | None = None) -> list[tuple[str, Path]]:
    """Named folders, `(as named, where)`. Those of the repository first.

    Raises BadInput: a folder does not exist, leaves the repository that names it, or the setting is misspelt.
    """
    settings = (settings or platformdirs.user_config_path("solve") / SETTINGS).resolve()
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
        text = (read_regular(path) or b"").decode()
        tool: dict[str, Any] = tomllib.loads(text).get("tool", {}).get("solve", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no TOML: {error}") from error
    names = tool.get("context", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadInput(f"[tool.solve] context in {path} must be a list of folders")
    return names


def _query(issue: str) -> dict[str, float]:
    """The issue's stems; those of the title count twice."""
    mentions = read_issue(issue)
    stems = {form: weight for form, weight in mentions.body.items() if form.startswith(STEM_MARK)}
    return {form: weight + mentions.title.get(form, 0.0) for form, weight in stems.items()}


def _scores(snapshot: Snapshot, query: dict[str, float], scope: Mask) -> Floats:
    scores: Floats = bm25(snapshot, [query], scope, "text", snapshot.length).unit[0]
    return scores


def _best(
    snapshot: Snapshot, read: Read, query: dict[str, float], scope: Mask, origin: str, rivals: Floats
) -> list[Passage]:
    scores = _scores(snapshot, query, scope)
    best = [unit for unit in np.argsort(-scores, kind="stable")[:MOST].tolist() if scores[unit] > 0]
    return [_passage(snapshot, read, unit, origin, int((rivals > scores[unit]).sum())) for unit in best]


def _passage(snapshot: Snapshot, read: Read, unit: int, origin: str, place: int) -> Passage:
    path, line, last = snapshot.paths[snapshot.unit_file[unit]], int(snapshot.line[unit]), int(snapshot.last[unit])
    lines = read(path).decode("utf-8", "replace").splitlines()[line - 1 : last]
    return Passage(origin, path, snapshot.qualified(unit), line, last, place, "\n".join(lines))
