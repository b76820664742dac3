"""Conditions: their junctions, their negation, what they leave out."""

import ast
import itertools
from collections.abc import Iterator

from agents.repair.operators.comparisons import is_condition
from agents.repair.scope import may_be, own_nodes
from agents.repair.spot import Change, Spot

MOST_NAMES = 12  # names that a condition is extended by
MOST_COPIES = 6  # conditions of the function that another is joined with


def junction(spot: Spot) -> Iterator[Change]:
    """`and` for `or`; one operand left out."""
    if not isinstance(spot.node, ast.BoolOp):
        return
    old, new = ("and", "or") if isinstance(spot.node.op, ast.And) else ("or", "and")
    values = spot.node.values
    for left, right in itertools.pairwise(values):
        yield from spot.between(left, right, old, new, 1.1)
    for dropped in values:
        rest = [spot.text(value) for value in values if value is not dropped]
        yield spot.replace(spot.node, f" {old} ".join(rest), 1.3)
    for value in values:
        if not isinstance(value, ast.UnaryOp):
            yield spot.replace(value, f"not {spot.text(value)}", 1.4)


def negation(spot: Spot) -> Iterator[Change]:
    """A condition turned round."""
    if not isinstance(spot.node, ast.expr) or not is_condition(spot):
        return
    match spot.node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield spot.replace(spot.node, spot.text(operand), 1.1)
        case ast.Compare() | ast.Constant():
            return
        case ast.BoolOp():
            yield spot.replace(spot.node, f"not ({spot.text(spot.node)})", 1.4)
        case _:
            yield spot.replace(spot.node, f"not {spot.text(spot.node)}", 1.2)


def condition_name(spot: Spot) -> Iterator[Change]:
    """`while True` or `if done` by the truth of another variable."""
    if isinstance(spot.node, ast.Constant | ast.Name) and is_condition(spot):
        for name in spot.scope.variables:
            if name != spot.text(spot.node):
                yield spot.replace(spot.node, name, 1.6)
                yield spot.replace(spot.node, f"not {name}", 1.9)


def extended(spot: Spot) -> Iterator[Change]:
    """One more conjunct or disjunct: the emptiness or absence of a variable."""
    if not isinstance(spot.node, ast.expr) or not is_condition(spot) or isinstance(spot.parent, ast.BoolOp):
        return
    if isinstance(spot.node, ast.Constant):
        return
    used = {node.id for node in ast.walk(spot.node) if isinstance(node, ast.Name)}
    names = sorted(spot.scope.variables, key=lambda name: name not in used)[:MOST_NAMES]
    text = spot.text(spot.node)
    text = f"({text})" if isinstance(spot.node, ast.BoolOp | ast.IfExp | ast.Lambda | ast.NamedExpr) else text
    for name in names:
        cost = 1.9 if name in used else 2.1
        if may_be(spot.scope.variables[name], "NoneType"):
            yield spot.replace(spot.node, f"{name} is None or {text}", cost)
            yield spot.replace(spot.node, f"{name} is not None and {text}", cost)
        yield spot.replace(spot.node, f"{text} or not {name}", cost + 0.1)
        yield spot.replace(spot.node, f"{text} and {name}", cost + 0.1)
        yield spot.replace(spot.node, f"{text} or {name}", cost + 0.2)
        yield spot.replace(spot.node, f"{text} and not {name}", cost + 0.2)


def joined(spot: Spot) -> Iterator[Change]:
    """A condition that the function tests elsewhere, here too."""
    if not isinstance(spot.node, ast.expr) or not is_condition(spot) or isinstance(spot.parent, ast.BoolOp):
        return
    if spot.function is None or isinstance(spot.node, ast.Constant):
        return
    text = spot.text(spot.node)
    text = f"({text})" if isinstance(spot.node, ast.BoolOp | ast.IfExp | ast.Lambda | ast.NamedExpr) else text
    tests = [node.test for node in own_nodes(spot.function.body) if isinstance(node, ast.If | ast.While | ast.IfExp)]
    single = [item for test in tests for item in (test.values if isinstance(test, ast.BoolOp) else [test])]
    others = [
        item
        for item in single
        if isinstance(item, ast.Compare | ast.Call | ast.UnaryOp) and "\n" not in spot.text(item)
    ]
    for other in list(dict.fromkeys(spot.text(item) for item in others))[:MOST_COPIES]:
        if other not in text:
            yield spot.replace(spot.node, f"{text} and {other}", 2.2)
            yield spot.replace(spot.node, f"{text} or {other}", 2.3)
            yield spot.replace(spot.node, f"{text} and not {other}", 2.4)


def bounded(spot: Spot) -> Iterator[Change]:
    """An index looked at before it is used, where one was out of range."""
    if "IndexError" not in spot.clues.exceptions or not isinstance(spot.node, ast.expr) or not is_condition(spot):
        return
    holder = spot.source.statement(spot.node)
    inside = [holder, *getattr(holder, "body", [])[:2]]
    used = [node for item in inside if item is not None for node in ast.walk(item) if isinstance(node, ast.Subscript)]
    text = spot.text(spot.node)
    rest = "" if isinstance(spot.node, ast.Constant) else f" and {text}"
    for node in used:
        if not isinstance(node.slice, ast.Slice | ast.Constant | ast.Tuple):
            yield spot.replace(spot.node, f"{spot.text(node.slice)} < len({spot.text(node.value)}){rest}", 1.6)
        elif isinstance(node.slice, ast.Constant):
            yield spot.replace(spot.node, f"{spot.text(node.value)}{rest}", 1.6)
            yield spot.replace(spot.node, f"len({spot.text(node.value)}) > {spot.text(node.slice)}{rest}", 1.7)


def guarded_attribute(spot: Spot) -> Iterator[Change]:
    """`a.b.c is None` where `a.b` itself may be nothing."""
    if not isinstance(spot.node, ast.expr) or not is_condition(spot):
        return
    text = spot.text(spot.node)
    for node in ast.walk(spot.node):
        if isinstance(node, ast.Attribute | ast.Subscript):
            base = spot.text(node.value)
            if base not in ("self", "cls"):
                yield spot.replace(spot.node, f"{base} is None or {text}", 1.8)
                yield spot.replace(spot.node, f"{base} is not None and {text}", 1.8)
                yield spot.replace(spot.node, f"{base} and {text}", 1.9)
                yield spot.replace(spot.node, f"not {base} or {text}", 1.9)
