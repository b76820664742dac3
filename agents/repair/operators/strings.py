"""Strings and patterns, by what the failing assertions show."""

import ast
from collections.abc import Iterator

from agents.repair.source import place_of
from agents.repair.spot import Change, Spot
from sandbox.pysyntax import literal

PATTERN_CALLS = ("compile", "match", "search", "fullmatch", "sub", "subn", "findall", "finditer", "split")
MOST_SIBLINGS = 8
LONGEST = 20  # characters of a piece that is put in
ANCHORS = ("^", "\\b", "\\A")
ENDS = ("$", "\\b", "\\Z", "\\s*")


def mined(spot: Spot) -> Iterator[Change]:
    """A piece of a text exchanged for what the assertion expected in its place."""
    value = _string(spot)
    if value is None:
        return
    for old, new in spot.clues.pairs:
        if len(new) > LONGEST or "\n" in new.strip():
            continue  # a piece of the tests' data
        if old and old in value:
            yield _literal(spot, value.replace(old, new), 1.3)
        if value and not old:
            yield _literal(spot, value + new, 1.8)
            yield _literal(spot, new + value, 1.8)
    for text in (*spot.clues.told, *spot.clues.strings):
        if text != value:
            yield _literal(spot, text, 2.1)


def mined_format(spot: Spot) -> Iterator[Change]:
    """The same in the text of an f-string, outside of what it formats."""
    if not isinstance(spot.node, ast.JoinedStr):
        return
    text = spot.text(spot.node)
    fixed = "".join(str(item.value) for item in spot.node.values if isinstance(item, ast.Constant))
    for old, new in spot.clues.pairs:
        old, new = (_escaped(item) for item in (old, new))
        at = text.find(old, 2)
        if old and old in fixed and at > 0:
            yield spot.replace(spot.node, text[:at] + new + text[at + len(old) :], 1.4)


def sibling(spot: Spot) -> Iterator[Change]:
    """A text that the file writes in the same sort of place: compared with the same, given to the same callee."""
    value, place = _string(spot), place_of(spot.source, spot.node)
    if value is None or not place:
        return
    for other in spot.source.strings.get(place, [])[:MOST_SIBLINGS]:
        if other != value:
            yield _literal(spot, other, 1.8)


def pattern(spot: Spot) -> Iterator[Change]:
    """A regular expression anchored or let loose, greedy or not."""
    value = _string(spot)
    if value is None or not _is_pattern(spot, value):
        return
    for anchor in ANCHORS:
        yield _literal(spot, value[len(anchor) :] if value.startswith(anchor) else anchor + value, 1.5)
    for anchor in ENDS:
        yield _literal(spot, value[: -len(anchor)] if value.endswith(anchor) else value + anchor, 1.5)
    if value.startswith("^"):
        yield _literal(spot, "\\b" + value[1:], 1.7)
    for index, sign in enumerate(value):
        if sign in "*+?" and index and value[index - 1] != "\\":
            others = {"*": ("+", "*?"), "+": ("*", "+?"), "?": ("", "*")}[sign]
            for new in others:
                yield _literal(spot, value[:index] + new + value[index + 1 :], 1.6)


def case(spot: Spot) -> Iterator[Change]:
    """The same text in other letters, with or without the space around it."""
    value = _string(spot)
    if value is None or len(value) > 200:
        return
    for new in {value.lower(), value.upper(), value.capitalize(), value.strip(), f"{value} ", f" {value}"} - {value}:
        yield _literal(spot, new, 1.9)


def _string(spot: Spot) -> str | None:
    match spot.node:
        case ast.Constant(value=str() as value) if not isinstance(spot.parent, ast.Expr | ast.JoinedStr):
            return value
    return None


def _is_pattern(spot: Spot, value: str) -> bool:
    match spot.parent:
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)) if name in PATTERN_CALLS:
            return True
    return spot.text(spot.node)[:1] in "rR" and any(sign in value for sign in "\\^$*+?[")


def _literal(spot: Spot, value: str, cost: float) -> Change:
    """Written in the quotes and with the prefix of the old one where that can say it."""
    old = spot.text(spot.node)
    assert isinstance(spot.node, ast.expr)
    for text in (_in_style(old, value), repr(value)):
        try:
            same = literal(text) == value
        except (SyntaxError, ValueError):
            continue
        if same:
            break
    return spot.replace(spot.node, text, cost)


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode().replace("{", "{{").replace("}", "}}")


def _in_style(old: str, value: str) -> str:
    body = old.lstrip("rRuUbBfF")
    prefix = old[: len(old) - len(body)]
    quote = body[:3] if body[:3] in ('"""', "'''") else body[:1]
    plain = value if "r" in prefix.lower() else value.encode("unicode_escape").decode()
    return f"{prefix}{quote}{plain}{quote}"
