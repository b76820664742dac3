"""Bytes of one file → its units, and which bytes belong to which.

Every byte belongs to exactly one unit, so a file's words are the sum of its units' words.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from agents.index.found import Found
from agents.index.languages import LANGUAGES, PROSE, grammar, query
from agents.index.python_outline import outline
from agents.index.python_walk import walk
from agents.index.unit import Kind, Piece, Unit

if TYPE_CHECKING:
    import tree_sitter

COMMENT_SIGNS = re.compile(r"^(?:[rRuUbB]{0,2}(?:\"+|'+)|[^\w\"'`(\[<]+)\s*")
DOC_READ = 400  # bytes of a doc comment that are looked at
LONGEST_DOC = 120  # characters of a doc comment that are kept
WINDOW = 60  # lines of one section where nothing better marks one
HEADING = re.compile(rb"^(?:#{1,6}[ \t]+(\S.*)|(\S.*)\r?\n([=\-~^\"'`#*+:.])\3{2,}[ \t]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parsed:
    units: tuple[Unit, ...]  # by start; the first is the file itself
    pieces: tuple[Piece, ...]  # in order, without gap or overlap
    imports: tuple[str, ...]  # as written: modules, paths


def parse(language: str, data: bytes) -> Parsed:
    """Units of `data`, which is UTF-8 (stray bytes do no harm). Syntax errors leave units out; they never raise."""
    if language in LANGUAGES:
        return _parse_code(language, data)
    return _parse_lines(data, headings=language == PROSE)


def doc_lines(language: str, data: bytes) -> list[tuple[int, int]]:
    """First and last line, from 1, of each doc comment in a file; none where the language has no grammar."""
    if language not in LANGUAGES:
        return []
    return sorted((node.start_point[0] + 1, node.end_point[0] + 1) for node in _find(language, data).docs.values())


@cache
def _parser(language: str) -> "tree_sitter.Parser":
    import tree_sitter

    return tree_sitter.Parser(grammar(language))


def _find(language: str, data: bytes) -> Found:
    found = Found(data)
    if language == "python":
        root = _parser(language).parse(outline(data)).root_node
        walk(_parser(language).parse(data).root_node if root.has_error else root, found)
    else:
        _ask(_parser(language).parse(data).root_node, language, found)
    return found


def _parse_code(language: str, data: bytes) -> Parsed:
    found = _find(language, data)
    whole = Unit("module", "", 0, len(data), 1, data.count(b"\n") + (not data.endswith(b"\n")) or 1)
    units, pieces = _nest(whole, sorted(found.units.values(), key=lambda unit: (unit.start, -unit.end)))
    _attach(units, found)
    return Parsed(tuple(units), tuple(pieces), tuple(dict.fromkeys(found.imports[at] for at in sorted(found.imports))))


def _ask(root: "tree_sitter.Node", language: str, found: Found) -> None:
    import tree_sitter

    for _, match in tree_sitter.QueryCursor(query(language, "structure")).matches(root):
        found.take(match)


def _nest(whole: Unit, found: Iterable[Unit]) -> tuple[list[Unit], list[Piece]]:
    """Set parents, and cut the file where its innermost unit changes."""
    nest = _Nest(whole)
    for unit in found:
        nest.add(unit)
    nest.close(whole.end)
    return nest.units, nest.pieces


class _Nest:
    """Units as they come, by start. What stands inside a function is left out; a function in a class is a method."""

    def __init__(self, whole: Unit) -> None:
        self.units = [whole]
        self.pieces: list[Piece] = []
        self._around = [0]  # the units that are open
        self._at = 0  # up to where bytes have their owner

    def add(self, unit: Unit) -> None:
        start = unit.start
        self.close(start)
        while (end := self.units[self._around[-1]].end) < unit.end:  # they overlap, after a syntax error
            start = end
            self.close(start)
        parent = self._around[-1]
        around = self.units[parent].kind
        if around in ("function", "method"):
            return
        self._cut(parent, start)
        self._around.append(len(self.units))
        kind: Kind = "method" if unit.kind == "function" and around == "class" else unit.kind
        self.units.append(Unit(kind, unit.name, start, unit.end, unit.line, unit.last, parent))

    def close(self, position: int) -> None:
        """End the units that end up to here."""
        while self._around and (end := self.units[self._around[-1]].end) <= position:
            self._cut(self._around.pop(), end)

    def _cut(self, owner: int, end: int) -> None:
        if end > self._at:
            self.pieces.append(Piece(owner, self._at, end))
            self._at = end


def _attach(units: list[Unit], found: Found) -> None:
    """Give base classes and doc comments to the innermost units they stand in."""
    starts = [unit.start for unit in units]
    for position in sorted(found.docs, reverse=True):  # the first of a unit wins
        owner, end = _innermost(units, starts, position), found.docs[position].end_byte
        doc = found.data[position : min(end, position + DOC_READ)].decode("utf-8", "replace")
        units[owner] = units[owner]._replace(doc=_summary(doc))
    for position, name in sorted(found.bases.items()):
        owner = _innermost(units, starts, position)
        if units[owner].kind == "class":
            units[owner] = units[owner]._replace(bases=(*units[owner].bases, name))


def _innermost(units: list[Unit], starts: list[int], position: int) -> int:
    owner = bisect_right(starts, position) - 1
    while position >= units[owner].end:
        owner = units[owner].parent
    return owner


def _summary(comment: str) -> str:
    """The first line of a comment that has a word, without the signs of a comment."""
    text = COMMENT_SIGNS.sub("", comment, count=1)
    return text.partition("\n")[0].rstrip("\"'*/ \t\r")[:LONGEST_DOC]


def _parse_lines(data: bytes, *, headings: bool) -> Parsed:
    """Sections at headings, or else windows of `WINDOW` lines. A file of one section has no other unit."""
    starts: list[tuple[int, str]] = []
    if headings:
        for match in HEADING.finditer(data):
            title = (match[1] or match[2]).decode("utf-8", "replace").strip()
            starts.append((match.start(), title))
    line_starts = [0, *(np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1).tolist()]
    if not starts:
        starts = [(start, "") for start in line_starts[WINDOW::WINDOW] if start < len(data)]
    whole = Unit("module", "", 0, len(data), 1, max(1, len(line_starts) - data.endswith(b"\n")))
    units = [whole]
    for (start, title), (end, _) in pairwise([*starts, (len(data), "")]):
        line, last = bisect_right(line_starts, start), bisect_right(line_starts, max(start, end - 1))
        units.append(Unit("section", title, start, end, line, last, parent=0))
    pieces = [Piece(0, 0, starts[0][0] if starts else len(data))] if not starts or starts[0][0] else []
    pieces += [Piece(place, unit.start, unit.end) for place, unit in enumerate(units) if place]
    return Parsed(tuple(units), tuple(pieces), ())
