"""Subscripts and ranges: where they start, where they stop."""

import ast
from collections.abc import Iterator

from agents.repair.scope import may_be, numeric
from agents.repair.spot import Change, Spot

SLICED = ("list", "str", "tuple", "bytes")


def bounds(spot: Spot) -> Iterator[Change]:
    """A bound of a slice left out, added or moved by one."""
    if not isinstance(spot.node, ast.Subscript) or not isinstance(spot.node.slice, ast.Slice):
        return
    part, base = spot.node.slice, spot.text(spot.node.value)
    if part.step is not None:
        return
    lower = spot.text(part.lower) if part.lower else ""
    upper = spot.text(part.upper) if part.upper else ""
    if isinstance(spot.node.ctx, ast.Load):
        yield spot.replace(spot.node, base, 1.6)
    for new in {f"{upper}:{lower}", f":{upper}", f"{lower}:", f"{lower}:-1", f"1:{upper}"} - {f"{lower}:{upper}", ":"}:
        yield spot.replace(spot.node, f"{base}[{new}]", 1.5)
    numbers = [name for name, types in spot.scope.variables.items() if types and numeric(types)]
    for name in numbers:
        for new in {f"{name}:{upper}", f"{lower}:{name}"} - {f"{lower}:{upper}"}:
            yield spot.replace(spot.node, f"{base}[{new}]", 1.8)


def sliced(spot: Spot) -> Iterator[Change]:
    """A part of a sequence in place of all of it."""
    if not isinstance(spot.node, ast.Name | ast.Attribute) or not isinstance(spot.node.ctx, ast.Load):
        return
    if isinstance(spot.parent, ast.Attribute | ast.Subscript):
        return
    if isinstance(spot.parent, ast.Call) and spot.parent.func is spot.node:
        return
    types = spot.scope.types(spot.node)
    if not may_be(types, *SLICED):
        return
    text, extra = spot.text(spot.node), 0.0 if types else 0.5
    for new in ("1:", ":-1"):
        yield spot.replace(spot.node, f"{text}[{new}]", 1.7 + extra)
    for new in ("0", "-1"):
        yield spot.replace(spot.node, f"{text}[{new}]", 2.0 + extra)
    for name, others in spot.scope.variables.items():
        if others & {"int"} and types:
            yield spot.replace(spot.node, f"{text}[{name}:]", 1.9)
            yield spot.replace(spot.node, f"{text}[:{name}]", 1.9)


def index(spot: Spot) -> Iterator[Change]:
    """The item itself or another one: first, last, by another key; `get` for a key that may be missing."""
    if not isinstance(spot.node, ast.Subscript) or isinstance(spot.node.slice, ast.Slice):
        return
    if not isinstance(spot.node.ctx, ast.Load):
        return
    base, key = spot.text(spot.node.value), spot.text(spot.node.slice)
    types = spot.scope.types(spot.node.value)
    yield spot.replace(spot.node, base, 1.9)
    if may_be(types, "dict", "defaultdict", "OrderedDict"):
        for default in ("", ", 0", ", []", ", ''", ", {}"):
            yield spot.replace(spot.node, f"{base}.get({key}{default})", 1.8 if types else 2.1)
    if may_be(types, *SLICED):
        for new in {"0", "-1"} - {key}:
            yield spot.replace(spot.node, f"{base}[{new}]", 1.6)


def ranges(spot: Spot) -> Iterator[Change]:
    """`range` from one, down, in steps, or to something else's length."""
    match spot.node:
        case ast.Call(func=ast.Name(id="range"), args=[stop]):
            text = spot.text(stop)
            for new in (f"1, {text}", f"1, {text} + 1", f"{text} - 1, -1, -1"):
                yield spot.replace(spot.node, f"range({new})", 1.6)
        case ast.Call(func=ast.Name(id="range"), args=[start, stop]):
            first, last = spot.text(start), spot.text(stop)
            for new in (last, f"{first}, {last}, -1", f"{first} + 1, {last} + 1"):
                yield spot.replace(spot.node, f"range({new})", 1.6)
        case ast.Call(func=ast.Name(id="range"), args=[start, stop, _]):
            yield spot.replace(spot.node, f"range({spot.text(start)}, {spot.text(stop)})", 1.6)
