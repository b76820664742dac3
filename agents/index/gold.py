"""What a reference patch touches: the labels of an evaluation. Nothing else of the index reads a patch.

A removed line touches the innermost unit around it. A pure insertion touches the innermost unit around the nearest
line above that is less indented than what is inserted, so a new method touches its class. Units are functions and
methods (nested ones belong to the outer), and classes (the class without its methods).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unidiff.patch import PatchSet

from agents.index.languages import language_of
from agents.index.parse import parse
from agents.index.tree import Read
from agents.index.unit import Unit


@dataclass(frozen=True, slots=True)
class Gold:
    files: frozenset[str]
    units: frozenset[tuple[str, int]]  # path, first line of the unit


def gold_of(patch: str, read: Read) -> Gold:
    """`read` gives the bytes of a path at the base commit. New files are no labels: nothing could rank them."""
    files: set[str] = set()
    units: set[tuple[str, int]] = set()
    for changed in PatchSet(patch):
        if changed.is_added_file:
            continue
        path = changed.source_file.removeprefix("a/")
        files.add(path)
        data = read(path)
        found = parse(language_of(path), data).units
        text = data.decode("utf-8", "replace").splitlines()
        for line in _touched(changed, text):
            unit = _innermost(found, line)
            if unit.kind != "module":
                units.add((path, unit.line))
    return Gold(frozenset(files), frozenset(units))


def _touched(changed: Any, text: list[str]) -> Iterator[int]:
    """Lines of the old file, from 1, that stand for each group of changes."""
    for hunk in changed:
        removed: list[int] = []
        added: list[str] = []
        position = hunk.source_start - 1 if hunk.source_length else hunk.source_start
        for line in [*hunk, None]:
            if line is not None and line.is_removed:
                removed.append(line.source_line_no)
                position = line.source_line_no
            elif line is not None and line.is_added:
                added.append(line.value)
            else:
                if removed:
                    yield from removed
                elif any(value.strip() for value in added):
                    yield _above(text, position, next(value for value in added if value.strip()))
                removed, added = [], []
                if line is not None and line.is_context:
                    position = line.source_line_no


def _above(text: list[str], position: int, inserted: str) -> int:
    for line in range(min(position, len(text)), 0, -1):
        if text[line - 1].strip() and _indent(text[line - 1]) < _indent(inserted):
            return line
    return 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _innermost(units: tuple[Unit, ...], line: int) -> Unit:
    return max(
        (unit for unit in units if unit.line <= line <= unit.last), key=lambda unit: unit.start, default=units[0]
    )
