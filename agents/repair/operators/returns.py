"""What a function returns."""

import ast
from collections.abc import Iterator

from agents.repair.edits import Edit
from agents.repair.scope import may_be, own_nodes
from agents.repair.spot import Change, Spot

PLAIN = ("None", "True", "False", "[]", "''", "0", "{}")


def returned(spot: Spot) -> Iterator[Change]:
    """Another value: one that the function returns elsewhere, a plain one, a variable or a test of one."""
    if not isinstance(spot.node, ast.Return):
        return
    value = spot.node.value
    mine = spot.text(value) if value else ""
    for rank, new in enumerate(values(spot)):
        if new and new != mine:
            yield _with(spot, new, 1.6 if rank < 3 else 1.9)
    truth = isinstance(value, ast.Constant) and isinstance(value.value, bool)
    for name, types in spot.scope.variables.items():
        if not truth:
            yield _with(spot, name, 2.0)
            continue
        yield _with(spot, name, 1.9)
        yield _with(spot, f"not {name}", 1.8)
        if may_be(types, "int", "float"):
            yield _with(spot, f"{name} == 0", 1.7)
            yield _with(spot, f"{name} > 0", 1.9)
        if may_be(types, "NoneType"):
            yield _with(spot, f"{name} is None", 1.9)


def early(spot: Spot) -> Iterator[Change]:
    """A value returned before or behind a statement."""
    if not isinstance(spot.node, ast.stmt) or spot.function is None or isinstance(spot.node, ast.Return):
        return
    statement = spot.node
    for name in list(spot.scope.variables)[-8:]:
        if name not in ("self", "cls"):
            yield from spot.insert_after(statement, f"return {name}", 2.3)


def values(spot: Spot) -> list[str]:
    """Return values that fit the function: its own ones first; "" is a bare return."""
    function = spot.function
    if function is None:
        return []
    own = [node for node in own_nodes(function.body) if isinstance(node, ast.Return)]
    texts = [spot.text(node.value) if node.value else "" for node in own]
    short = [text for text in texts if len(text) <= 60 and "\n" not in text]
    parameters = [item.arg for item in function.args.args if item.arg not in ("self", "cls")]
    first, *others = PLAIN if any(texts) else ("",)
    return list(dict.fromkeys([*short, first, *parameters, *others]))


def _with(spot: Spot, value: str, cost: float) -> Change:
    return Change(Edit(*spot.source.span(spot.node), f"return {value}".encode()), cost)
