"""Literals: a number, a truth value, an emptiness."""

import ast
from collections.abc import Iterator

from agents.repair.scope import compatible
from agents.repair.spot import Change, Spot


def number(spot: Spot) -> Iterator[Change]:
    """One more or less, nothing, one, the other sign."""
    match spot.node:
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int() | float() as value):
            step, plain = (1.0, 1.2) if isinstance(value, int) else (1.6, 1.8)  # a fraction is seldom a slip
            near = [(value + 1, step), (value - 1, step), (0, plain), (1, plain), (-value, 1.5), (2, 1.8)]
            near.append((value * 2, 2.0))
            seen = {value}
            for new, cost in near:
                if new not in seen:
                    seen.add(new)
                    yield spot.replace(spot.node, repr(new), cost)


def flag(spot: Spot) -> Iterator[Change]:
    """True for False, None for either, and what may stand for None."""
    match spot.node:
        case ast.Constant(value=bool() as value):
            yield spot.replace(spot.node, repr(not value), 1.0)
            yield spot.replace(spot.node, "None", 1.6)
        case ast.Constant(value=None):
            for new in ("False", "True", "0", "''", "[]", "{}", "()"):
                yield spot.replace(spot.node, new, 1.6)
        case ast.Constant(value=str() as text) if text and not isinstance(spot.parent, ast.Expr | ast.JoinedStr):
            yield spot.replace(spot.node, "''", 1.8)
            yield spot.replace(spot.node, "None", 1.9)


def by_name(spot: Spot) -> Iterator[Change]:
    """A literal that should be a variable."""
    match spot.node:
        case ast.Constant(value=str()) if isinstance(spot.parent, ast.Expr | ast.JoinedStr):
            return
        case ast.Constant():
            types = spot.scope.types(spot.node)
            for name, others in spot.scope.variables.items():
                if compatible(types, others):
                    yield spot.replace(spot.node, name, 1.7 if others else 2.0)


def collection(spot: Spot) -> Iterator[Change]:
    """An empty display that should hold something; a filled one that should hold one item less."""
    if not isinstance(spot.node, ast.List | ast.Tuple | ast.Set) or isinstance(
        getattr(spot.node, "ctx", None), ast.Store
    ):
        return
    if isinstance(spot.parent, ast.Subscript) or not isinstance(spot.node, ast.List):
        return
    items = [spot.text(item) for item in spot.node.elts]
    if not items:
        for new in ("[]", "None", "0", "''", *spot.scope.variables):
            yield spot.replace(spot.node, f"[{new}]", 1.8)
    for index in range(len(items)):
        yield spot.replace(spot.node, f"[{', '.join(items[:index] + items[index + 1 :])}]", 1.7)
    if items:
        for name in spot.scope.variables:
            yield spot.replace(spot.node, f"[{', '.join([*items, name])}]", 2.2)


def swapped(spot: Spot) -> Iterator[Change]:
    """Two neighbours of a tuple or list exchanged, as in a subscript or an unpacking."""
    if isinstance(spot.node, ast.Tuple | ast.List):
        for left, right in zip(spot.node.elts, spot.node.elts[1:], strict=False):
            if spot.text(left) != spot.text(right):
                yield spot.swap(left, right, 1.2)
