"""Comparisons: the operator, its boundary, its sense."""

import ast
from collections.abc import Iterator

from agents.repair.spot import Change, Spot

SIGNS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
OTHERS = {
    "<": (("<=", 1.0), (">", 1.2), (">=", 1.3), ("!=", 1.6)),
    "<=": (("<", 1.0), (">=", 1.2), (">", 1.3), ("==", 1.7)),
    ">": ((">=", 1.0), ("<", 1.2), ("<=", 1.3), ("!=", 1.6)),
    ">=": ((">", 1.0), ("<=", 1.2), ("<", 1.3), ("==", 1.7)),
    "==": (("!=", 1.1), ("<=", 1.4), (">=", 1.4), ("is", 1.6), ("in", 1.5), ("<", 1.8), (">", 1.8)),
    "!=": (("==", 1.1), ("is not", 1.6), ("<", 1.4), (">", 1.4), ("not in", 1.6)),
    "is": (("is not", 1.1), ("==", 1.2)),
    "is not": (("is", 1.1), ("!=", 1.2)),
    "in": (("not in", 1.1), ("==", 1.7)),
    "not in": (("in", 1.1), ("!=", 1.7)),
}


def sign(spot: Spot) -> Iterator[Change]:
    """Another comparison operator."""
    if not isinstance(spot.node, ast.Compare):
        return
    left = spot.node.left
    for op, right in zip(spot.node.ops, spot.node.comparators, strict=True):
        old = SIGNS[type(op)]
        for new, cost in OTHERS[old]:
            yield from spot.between(left, right, old, new, cost)
        left = right


def boundary(spot: Spot) -> Iterator[Change]:
    """`x == 0` tests for the edge of a range that should be inside it: `x <= 1`, `x >= -1`, and so on."""
    match spot.node:
        case ast.Compare(left=left, ops=[op], comparators=[ast.Constant(value=int() as edge)]):
            if isinstance(edge, bool) or not isinstance(op, ast.Eq | ast.Lt | ast.Gt):
                return
            for new in (f"<= {edge + 1}", f">= {edge - 1}", f"> {edge}", f"< {edge}"):
                yield spot.replace(spot.node, f"{spot.text(left)} {new}", 1.9)


def swapped(spot: Spot) -> Iterator[Change]:
    """The two sides exchanged."""
    if isinstance(spot.node, ast.Compare) and len(spot.node.ops) == 1:
        yield spot.swap(spot.node.left, spot.node.comparators[0], 1.6)


def truth(spot: Spot) -> Iterator[Change]:
    """`x is None` and `x == []` for the truth of x, and the other way round."""
    match spot.node:
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[_]):
            yield spot.replace(spot.node, f"not {spot.text(left)}", 1.8)
        case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq() | ast.Gt()], comparators=[_]):
            yield spot.replace(spot.node, spot.text(left), 1.8)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield spot.replace(spot.node, f"{spot.text(operand)} is None", 1.5)
        case ast.Name() | ast.Attribute() | ast.Call() if is_condition(spot):
            yield spot.replace(spot.node, f"{spot.text(spot.node)} is not None", 1.5)


def is_condition(spot: Spot) -> bool:
    """Whether only the truth of the expression counts where it stands."""
    match spot.parent:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
            return test is spot.node
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.comprehension(ifs=ifs):
            return spot.node in ifs
    return False
