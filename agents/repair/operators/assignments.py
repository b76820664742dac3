"""Assignments: replaced or updated, and what is assigned to."""

import ast
from collections.abc import Iterator

from agents.repair.edits import Edit
from agents.repair.operators.arithmetic import SIGNS
from agents.repair.scope import may_be, own_nodes
from agents.repair.spot import Change, Spot

MUTATORS = ("update", "extend", "append", "add")
MOST_TARGETS = 12


def kind(spot: Spot) -> Iterator[Change]:
    """`x = y` for `x += y`, and the other way round."""
    match spot.node:
        case ast.AugAssign(target=target, op=op, value=value):
            yield from spot.between(target, value, f"{SIGNS.get(type(op), '@')}=", "=", 1.2)
        case ast.Assign(targets=[target], value=value):
            types = spot.scope.types(target)
            for sign in ("+", "-") if may_be(types, "int", "float") else ("+",):
                yield from spot.between(target, value, "=", f"{sign}=", 1.4)


def mutated(spot: Spot) -> Iterator[Change]:
    """A collection changed in place that should be replaced, and the other way round."""
    match spot.node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=base, attr=name), args=[value])) if name in MUTATORS:
            yield _statement(spot, f"{spot.text(base)} = {spot.text(value)}", 1.8)
            yield _statement(spot, f"{spot.text(base)} = {spot.text(base)} + {spot.text(value)}", 2.3)
        case ast.Assign(targets=[target], value=value):
            for name in _methods(spot, target):
                yield _statement(spot, f"{spot.text(target)}.{name}({spot.text(value)})", 1.9)
            if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
                yield _statement(spot, f"{spot.text(target.value)}.append({spot.text(value)})", 2.0)


def target(spot: Spot) -> Iterator[Change]:
    """Something else that the function assigns to, or that the statement itself reads."""
    if not isinstance(spot.node, ast.Assign | ast.AugAssign) or spot.function is None:
        return
    mine = spot.node.targets[0] if isinstance(spot.node, ast.Assign) else spot.node.target
    for text in _places(spot, spot.node):
        if text != spot.text(mine):
            yield spot.replace(mine, text, 1.7)


def _places(spot: Spot, statement: ast.stmt) -> list[str]:
    assert spot.function is not None
    read = [node for node in ast.walk(statement) if isinstance(node, ast.Subscript | ast.Attribute)]
    stored = [
        node
        for node in own_nodes(spot.function.body)
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)
    ]
    return list(dict.fromkeys(spot.text(node) for node in (*read, *stored)))[:MOST_TARGETS]


def _methods(spot: Spot, target_: ast.expr) -> tuple[str, ...]:
    types = spot.scope.types(target_)
    if types & {"list"}:
        return ("append", "extend")
    if types & {"set"}:
        return ("add", "update")
    return ("update",) if types & {"dict"} else ()


def _statement(spot: Spot, text: str, cost: float) -> Change:
    return Change(Edit(*spot.source.span(spot.node), text.encode()), cost)
