"""Arithmetic: the operator, its operands, an offset or factor too much or too little."""

import ast
from collections.abc import Iterator

from agents.repair.scope import NUMBERS, compatible, may_be, numeric
from agents.repair.spot import Change, Spot

SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip
OTHERS = {
    "+": ("-", "*", "|"), "-": ("+", "*", "//"), "*": ("/", "//", "+", "**"), "/": ("//", "*", "%"),
    "//": ("/", "%", "*"), "%": ("//", "/", "*"), "**": ("*",), "<<": (">>",), ">>": ("<<",),
    "&": ("|", "^"), "|": ("&", "^", "+"), "^": ("&", "|", "**"),
}  # fmt: skip


def sign(spot: Spot) -> Iterator[Change]:
    """Another operator, also in `x += y`."""
    match spot.node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in SIGNS:
            old = SIGNS[type(op)]
            for rank, new in enumerate(OTHERS[old]):
                yield from spot.between(left, right, old, new, 1.0 + 0.2 * rank)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in SIGNS:
            old = SIGNS[type(op)]
            for rank, new in enumerate(OTHERS[old]):
                yield from spot.between(target, value, f"{old}=", f"{new}=", 1.0 + 0.2 * rank)


def operands(spot: Spot) -> Iterator[Change]:
    """Exchanged, or one left out."""
    if not isinstance(spot.node, ast.BinOp):
        return
    left, right = spot.node.left, spot.node.right
    commutes = isinstance(spot.node.op, ast.Mult | ast.BitAnd | ast.BitOr | ast.BitXor)
    plain = isinstance(spot.node.op, ast.Add) and spot.scope.types(spot.node) & NUMBERS
    if not commutes and not plain:
        yield spot.swap(left, right, 1.2)
    yield spot.replace(spot.node, spot.text(left), 1.4)
    yield spot.replace(spot.node, spot.text(right), 1.4)


def regrouped(spot: Spot) -> Iterator[Change]:
    """`a + b * c` meant as `(a + b) * c`, and `a * (b + c)` as `a * b + c`."""
    match spot.node:
        case ast.BinOp(left=a, op=first, right=ast.BinOp(left=b, op=second, right=c)):
            one, two = SIGNS.get(type(first), "+"), SIGNS.get(type(second), "+")
            text = f"({spot.text(a)} {one} {spot.text(b)}) {two} {spot.text(c)}"
            yield spot.replace(spot.node, text, 1.5)
            yield spot.replace(spot.node, f"{spot.text(a)} {one} {spot.text(b)} {two} {spot.text(c)}", 1.6)
        case ast.BinOp(left=ast.BinOp(left=a, op=first, right=b), op=second, right=c):
            one, two = SIGNS.get(type(first), "+"), SIGNS.get(type(second), "+")
            yield spot.replace(spot.node, f"{spot.text(a)} {one} ({spot.text(b)} {two} {spot.text(c)})", 1.5)


def offset(spot: Spot) -> Iterator[Change]:
    """One more or one less than a number that is used as argument, bound, index or operand."""
    if not _is_value(spot) or isinstance(spot.node, ast.Constant):
        return
    assert isinstance(spot.node, ast.expr)
    types = spot.scope.types(spot.node)
    if not numeric(types):
        return
    text = spot.text(spot.node)
    cost = 1.3 if types else 1.7
    for sign_ in "+-":
        yield spot.replace(spot.node, f"{text} {sign_} 1", cost)


def scaled(spot: Spot) -> Iterator[Change]:
    """Twice, half, squared, negated, absolute."""
    if not _is_value(spot) or isinstance(spot.node, ast.Constant):
        return
    assert isinstance(spot.node, ast.expr)
    types = spot.scope.types(spot.node)
    if not numeric(types):
        return
    text = spot.text(spot.node)
    text = f"({text})" if isinstance(spot.node, ast.BinOp | ast.IfExp | ast.BoolOp) else text
    cost = 2.1 if types else 2.4
    for new in (f"-{text}", f"{text} * 2", f"{text} // 2", f"{text} / 2", f"{text} ** 2"):
        yield spot.replace(spot.node, new, cost)


def with_name(spot: Spot) -> Iterator[Change]:
    """A variable added to, taken from or put before a value."""
    if not _is_value(spot):
        return
    assert isinstance(spot.node, ast.expr)
    types = spot.scope.types(spot.node)
    text = spot.text(spot.node)
    loose = isinstance(spot.node, ast.IfExp | ast.BoolOp | ast.Compare)
    text = f"({text})" if loose else text
    for name, others in spot.scope.variables.items():
        if name == text or not compatible(types, others):
            continue
        sure = 0.0 if types and others else 0.3
        if numeric(types) and numeric(others):
            yield spot.replace(spot.node, f"{text} - {name}", 1.9 + sure)
            yield spot.replace(spot.node, f"{text} + {name}", 1.9 + sure)
        elif may_be(types, "list", "str", "tuple", "bytes"):
            yield spot.replace(spot.node, f"{text} + {name}", 1.9 + sure)
        if may_be(types, "list", "str", "tuple", "bytes") and may_be(others, "list", "str", "tuple", "bytes"):
            yield spot.replace(spot.node, f"{name} + {text}", 1.9 + sure)


def _is_value(spot: Spot) -> bool:
    """An expression in a place where a value counts, not a target, callee or mere part of a name."""
    if not isinstance(
        spot.node,
        ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp | ast.List | ast.ListComp | ast.Constant,
    ):
        return False
    if isinstance(getattr(spot.node, "ctx", None), ast.Store | ast.Del):
        return False
    if isinstance(spot.node, ast.Constant) and not isinstance(spot.node.value, int | float):
        return False
    match spot.parent:
        case ast.Attribute() | ast.Expr() | ast.Subscript(value=spot.node) | ast.Starred() | ast.FormattedValue():
            return False
        case ast.Subscript(value=value):
            return value is not spot.node
        case ast.Call(func=func):
            return func is not spot.node
        case ast.arguments() | ast.JoinedStr() | ast.ImportFrom() | ast.ExceptHandler() | ast.Raise() | ast.With():
            return False
        case ast.BinOp(op=ast.Add() | ast.Sub()) if isinstance(spot.node, ast.BinOp):
            return False  # the same as an offset to the whole sum
    return not (isinstance(spot.node, ast.Name) and spot.node.id in ("self", "cls"))
