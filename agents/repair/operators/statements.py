"""Statements: one too many, one in the wrong place, one that is missing."""

import ast
from collections.abc import Iterator

from agents.repair.edits import Edit, spanning
from agents.repair.scope import may_be, own_nodes
from agents.repair.spot import Change, Spot

SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Expr,
    ast.Return,
    ast.Raise,
    ast.Break,
    ast.Continue,
    ast.Delete,
    ast.Assert,
)
GROWERS = {"list": ("append", "extend"), "set": ("add",), "deque": ("append",), "dict": ("update",)}
MOST_COPIES = 40


def deleted(spot: Spot) -> Iterator[Change]:
    """A simple statement left out; a compound one replaced by its body."""
    node = spot.node
    if not isinstance(node, ast.stmt) or not spot.source.begins_line(node) or _is_docstring(node):
        return
    if isinstance(node, SIMPLE):
        if len(spot.source.block(node)) > 1:
            start, end = spot.source.whole_lines(node)
            yield Change(Edit(start, end, b""), 1.7)
        else:
            yield Change(Edit(*spot.source.span(node), b"pass"), 1.8)
    elif isinstance(node, ast.If | ast.With | ast.Try | ast.For | ast.While):
        yield Change(spanning(spot.source.data, _unindented(spot, node)), 2.0)


def exchanged(spot: Spot) -> Iterator[Change]:
    """A statement and the one behind it."""
    node = spot.node
    if not isinstance(node, ast.stmt) or not spot.source.begins_line(node):
        return
    block = spot.source.block(node)
    following = block[block.index(node) + 1 :][:1]
    for other in following:
        if spot.source.begins_line(other) and not _is_docstring(node):
            (start, middle), (second, end) = spot.source.whole_lines(node), spot.source.whole_lines(other)
            data = spot.source.data
            last = data[second:end] if data[second:end].endswith(b"\n") else data[second:end] + b"\n"
            yield Change(Edit(start, end, last + data[middle:second] + data[start:middle]), 1.6)


def moved(spot: Spot) -> Iterator[Change]:
    """The last statement of a block moved behind it, and the one behind a block into it."""
    node = spot.node
    if not isinstance(node, ast.stmt) or not isinstance(node, SIMPLE) or not spot.source.begins_line(node):
        return
    block, parent, data = spot.source.block(node), spot.source.parents.get(node), spot.source.data
    start, end = spot.source.whole_lines(node)
    text = spot.text(node)
    if block and block[-1] is node and len(block) > 1 and isinstance(parent, ast.For | ast.While | ast.If | ast.With):
        yield Change(Edit(start, end, spot.indented(text, parent)), 1.9)
    at = block.index(node) if block else 0
    if at > 0 and isinstance(block[at - 1], ast.For | ast.While | ast.If | ast.With):
        inner = _last_of(block[at - 1])
        if spot.source.begins_line(inner):
            yield Change(Edit(start, end, spot.indented(text, inner)), 1.9)
    if at + 1 < len(block) and isinstance(block[at + 1], ast.For | ast.While | ast.If):
        following = block[at + 1]
        first = following.body[0]  # type: ignore[attr-defined]
        if spot.source.begins_line(first):
            place = spot.source.whole_lines(first)[0]
            edits = [Edit(start, end, b""), Edit(place, place, spot.indented(text, first))]
            yield Change(spanning(data, edits), 2.1)


def leap(spot: Spot) -> Iterator[Change]:
    """`break`, `continue`, `pass` and `return` for one another."""
    words = {ast.Break: "break", ast.Continue: "continue", ast.Pass: "pass"}
    mine = words.get(type(spot.node)) if isinstance(spot.node, ast.stmt) else None
    if mine is not None:
        for new in {"break", "continue", "pass", "return"} - {mine}:
            yield Change(Edit(*spot.source.span(spot.node), new.encode()), 1.4)


def update(spot: Spot) -> Iterator[Change]:
    """A missing update: a variable set to another, or put into a collection."""
    if not isinstance(spot.node, ast.stmt) or spot.function is None:
        return
    for text, cost in _updates(spot):
        yield from around(spot, text, cost)


def copied(spot: Spot) -> Iterator[Change]:
    """A simple statement of the same function once more, here."""
    if not isinstance(spot.node, ast.stmt) or spot.function is None:
        return
    statements = [node for node in own_nodes(spot.function.body) if isinstance(node, SIMPLE) and node is not spot.node]
    near = sorted(statements, key=lambda node: abs(node.lineno - spot.node.lineno))[:MOST_COPIES]  # type: ignore[attr-defined]
    for text in dict.fromkeys(spot.text(node) for node in near if not _is_docstring(node)):
        if "\n" not in text:
            yield from around(spot, text, 2.3)


def left_early(spot: Spot) -> Iterator[Change]:
    """The loop or the function left, or the round ended, after this statement."""
    if not isinstance(spot.node, ast.stmt) or isinstance(spot.node, ast.Return | ast.Break | ast.Continue | ast.Raise):
        return
    inside = any(isinstance(item, ast.For | ast.While) for item in spot.source.ancestors(spot.node))
    for word in ("break", "continue") if inside else ():
        yield from spot.insert_after(spot.node, word, 2.2)
    if spot.function is not None:
        yield from spot.insert_after(spot.node, "return", 2.4)


def around(spot: Spot, text: str, cost: float) -> Iterator[Change]:
    """Behind the statement, and before it where it is the first of its block."""
    assert isinstance(spot.node, ast.stmt)
    block = spot.source.block(spot.node)
    if not isinstance(spot.node, ast.Return | ast.Break | ast.Continue | ast.Raise):
        yield from spot.insert_after(spot.node, text, cost)
    if (block and block[0] is spot.node) or isinstance(spot.node, ast.Return | ast.Break | ast.Continue):
        yield from spot.insert_before(spot.node, text, cost)


def _updates(spot: Spot) -> Iterator[tuple[str, float]]:
    names = {name: types for name, types in spot.scope.variables.items() if name not in ("self", "cls")}
    for target, types in names.items():
        for value, others in names.items():
            if target == value:
                continue
            if types and types & others:
                yield f"{target} = {value}", 2.0
        for kind, methods in GROWERS.items():
            if kind in types and may_be(types, kind):
                for method in methods:
                    yield from ((f"{target}.{method}({value})", 2.0) for value in names if value != target)
        if types & {"int"}:
            yield f"{target} += 1", 2.1
            yield f"{target} -= 1", 2.2


def _unindented(spot: Spot, node: ast.stmt) -> list[Edit]:
    """The body of a compound statement in its place."""
    body = node.body  # type: ignore[attr-defined]
    start, end = spot.source.whole_lines(node)
    data = spot.source.data
    if not spot.source.begins_line(body[0]):
        return [Edit(start, end, data[start:end])]
    first = spot.source.whole_lines(body[0])[0]
    last = spot.source.whole_lines(body[-1])[1]
    deep, flat = spot.source.indent(body[0]).encode(), spot.source.indent(node).encode()
    lines = data[first:last].splitlines(keepends=True)
    text = b"".join(flat + line[len(deep) :] if line.startswith(deep) else line for line in lines)
    return [Edit(start, end, text)]


def _last_of(statement: ast.stmt) -> ast.stmt:
    body: list[ast.stmt] = getattr(statement, "orelse", []) or statement.body  # type: ignore[attr-defined]
    return body[-1]


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
