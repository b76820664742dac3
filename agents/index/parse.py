"""Bytes of one file → its units, and which bytes belong to which.

A unit is what a person would point at: a function with all that is nested in it, a class without its methods, the rest
of a module, a section of a document. Every byte belongs to exactly one unit, so a file's words are the sum of its
units' words.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from agents.index.languages import LANGUAGES, PROSE, grammar, query

if TYPE_CHECKING:
    import tree_sitter

Kind = Literal["module", "class", "function", "method", "section"]
KINDS: tuple[Kind, ...] = ("module", "class", "function", "method", "section")
WINDOW = 60  # lines of one section where nothing better marks one
HEADING = re.compile(rb"^(?:#{1,6}[ \t]+(\S.*)|(\S.*)\r?\n([=\-~^\"'`#*+:.])\3{2,}[ \t]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Unit:
    kind: Kind
    name: str  # as written; "" for the rest of a module
    start: int  # bytes; `end` exclusive
    end: int
    line: int  # from 1, `last` inclusive
    last: int
    parent: int = -1  # position of the enclosing unit; -1 for the first, which is the file itself
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that belong to one unit, as code or as documentation."""

    owner: int
    start: int
    end: int
    doc: bool


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


@cache
def _parser(language: str) -> "tree_sitter.Parser":
    import tree_sitter

    return tree_sitter.Parser(grammar(language))


def _parse_code(language: str, data: bytes) -> Parsed:
    import tree_sitter

    tree = _parser(language).parse(data)
    cursor = tree_sitter.QueryCursor(query(language, "structure"))
    if depth := LANGUAGES[language].depth:
        cursor.set_max_start_depth(depth)
    found: dict[int, Unit] = {}  # by where the name starts
    docs: list[tuple[int, int]] = []
    bases: list[tuple[int, str]] = []
    imports: dict[str, None] = {}
    for _, match in cursor.matches(tree.root_node):
        kind: Kind = "class" if "definition.class" in match else "function"
        docs += ((node.start_byte, node.end_byte) for node in match.get("doc", ()))
        if definition := match.get(f"definition.{kind}"):
            name = match["name"][0]
            unit = _unit(kind, _text(name), definition[0], match.get("doc", []))
            before = found.get(name.start_byte)
            if before is None or unit.end - unit.start > before.end - before.start:
                found[name.start_byte] = unit
        bases += ((node.start_byte, _text(node)) for node in match.get("base", ()))
        imports.update((_text(node), None) for node in match.get("import", ()))
    whole = Unit("module", "", 0, len(data), 1, data.count(b"\n") + (not data.endswith(b"\n")) or 1)
    units = _nest(whole, sorted(found.values(), key=lambda unit: (unit.start, -unit.end)))
    units = _with_bases(units, bases)
    return Parsed(tuple(units), _pieces(units, sorted(docs)), tuple(imports))


def _text(node: "tree_sitter.Node") -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _unit(kind: Kind, name: str, node: "tree_sitter.Node", docs: "list[tree_sitter.Node]") -> Unit:
    """A definition with the doc comment that stands before it."""
    first = min([node, *docs], key=lambda each: each.start_byte) if docs else node
    last = node.end_point.row + (node.end_point.column > 0)
    return Unit(kind, name, first.start_byte, node.end_byte, first.start_point.row + 1, last)


def _nest(whole: Unit, found: list[Unit]) -> list[Unit]:
    """Set parents; leave out what stands inside a function; a function in a class is a method."""
    units = [whole]
    open_units = [0]
    for unit in found:
        while units[open_units[-1]].end < unit.end or units[open_units[-1]].end <= unit.start:
            open_units.pop()
            if not open_units:
                return units
        parent = open_units[-1]
        if units[parent].kind in ("function", "method"):
            continue
        kind: Kind = "method" if unit.kind == "function" and units[parent].kind == "class" else unit.kind
        open_units.append(len(units))
        units.append(Unit(kind, unit.name, unit.start, unit.end, unit.line, unit.last, parent))
    return units


def _with_bases(units: list[Unit], bases: list[tuple[int, str]]) -> list[Unit]:
    starts = [unit.start for unit in units]
    for position, name in bases:
        owner = bisect_right(starts, position) - 1
        while position >= units[owner].end:
            owner = units[owner].parent
        if units[owner].kind == "class":
            units[owner] = replace(units[owner], bases=(*units[owner].bases, name))
    return units


def _pieces(units: list[Unit], docs: list[tuple[int, int]]) -> tuple[Piece, ...]:
    """Cut the file where its innermost unit changes, and where a doc comment starts or ends."""
    edges: list[tuple[int, int, int]] = []  # where, 0 for an end and 1 for a start, which unit
    for place, unit in enumerate(units):
        edges.append((unit.start, 1, place))
        edges.append((unit.end, 0, place))
    pieces: list[Piece] = []
    stack: list[int] = []
    position = 0
    for where, starts, place in sorted(edges, key=lambda edge: (edge[0], edge[1], edge[2] if edge[1] else -edge[2])):
        if where > position and stack:
            pieces.append(Piece(stack[-1], position, where, doc=False))
        position = where
        if starts:
            stack.append(place)
        elif place in stack:
            stack.remove(place)
    return tuple(_mark_docs(pieces, docs))


def _mark_docs(pieces: list[Piece], docs: list[tuple[int, int]]) -> list[Piece]:
    marked: list[Piece] = []
    waiting = iter(docs)
    doc = next(waiting, None)
    for piece in pieces:
        position = piece.start
        while doc is not None and doc[0] < piece.end:
            start, end = max(doc[0], position), min(doc[1], piece.end)
            if start > position:
                marked.append(Piece(piece.owner, position, start, doc=False))
            if end > start:
                marked.append(Piece(piece.owner, start, end, doc=True))
                position = end
            if doc[1] > piece.end:
                break
            doc = next(waiting, None)
        if position < piece.end:
            marked.append(Piece(piece.owner, position, piece.end, doc=False))
    return marked


def _parse_lines(data: bytes, *, headings: bool) -> Parsed:
    """Sections at headings, or else windows of `WINDOW` lines. A file of one section has no other unit."""
    starts: list[tuple[int, str]] = []
    if headings:
        for match in HEADING.finditer(data):
            title = (match[1] or match[2]).decode("utf-8", "replace").strip()
            starts.append((match.start(), title))
    line_starts = [0, *(match.end() for match in re.finditer(rb"\n", data))]
    if not starts:
        starts = [(start, "") for start in line_starts[WINDOW::WINDOW] if start < len(data)]
    whole = Unit("module", "", 0, len(data), 1, max(1, len(line_starts) - data.endswith(b"\n")))
    units = [whole]
    for (start, title), (end, _) in pairwise([*starts, (len(data), "")]):
        line, last = bisect_right(line_starts, start), bisect_right(line_starts, max(start, end - 1))
        units.append(Unit("section", title, start, end, line, last, parent=0))
    return Parsed(tuple(units), _pieces(units, []), ())
