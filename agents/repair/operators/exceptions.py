"""Exceptions: which are caught, which are raised."""

import ast
from collections.abc import Iterator

from agents.repair.edits import Edit
from agents.repair.operators.returns import values
from agents.repair.scope import is_builtin
from agents.repair.source import Source
from agents.repair.spot import Change, Spot

FAMILIES = (
    ("KeyError", "IndexError", "LookupError", "AttributeError"),
    ("ValueError", "TypeError", "OverflowError", "ArithmeticError"),
    ("UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "ValueError"),
    ("FileNotFoundError", "PermissionError", "OSError", "IsADirectoryError"),
    ("ImportError", "ModuleNotFoundError"), ("StopIteration", "RuntimeError", "NotImplementedError"),
)  # fmt: skip


def caught(spot: Spot) -> Iterator[Change]:
    """More than was caught: what the tests saw, kin, any Exception."""
    if not isinstance(spot.node, ast.ExceptHandler) or spot.node.type is None:
        return
    kind = spot.node.type
    names = [spot.text(item) for item in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
    for name, cost in _others(spot, names):
        yield spot.replace(kind, f"({', '.join([*names, name])})", cost)
    yield spot.replace(kind, "Exception", 2.0)


def raised(spot: Spot) -> Iterator[Change]:
    """Another exception in its place."""
    if not isinstance(spot.node, ast.Raise) or spot.node.exc is None:
        return
    error = spot.node.exc.func if isinstance(spot.node.exc, ast.Call) else spot.node.exc
    for name, cost in _others(spot, [spot.text(error)]):
        yield spot.replace(error, name, cost)


def handled(spot: Spot) -> Iterator[Change]:
    """A statement that raised what a test saw, tried, with a plain way out."""
    node = spot.node
    if not isinstance(node, ast.Assign | ast.Expr | ast.Return | ast.AugAssign) or not spot.source.begins_line(node):
        return
    ways = ["pass"] if not isinstance(node, ast.Return) else ["return None", "return False"]
    if isinstance(node, ast.Return):
        ways += [f"return {value}".rstrip() for value in values(spot)[:3]]
    if isinstance(node, ast.Assign):
        ways = [f"{spot.text(node.targets[0])} = None", f"return {(values(spot) or [''])[0]}".rstrip()]
    if any(isinstance(item, ast.For | ast.While) for item in spot.source.ancestors(node)):
        ways.append("continue")
    start, end = spot.source.whole_lines(node)
    lines = spot.source.data[start:end].decode().splitlines(keepends=True)
    inner = "".join(f"    {line}" for line in lines)
    indent = spot.source.indent(node)
    for name in spot.clues.exceptions[:2]:
        for way in ways:
            text = f"{indent}try:\n{inner}{indent}except {name}:\n{indent}    {way}\n"
            if known(spot.source, name):
                yield Change(Edit(start, end, text.encode()), 2.4)


def known(source: Source, name: str) -> bool:
    """Whether the name means something in the file."""
    return is_builtin(name) or any(getattr(node, "name", "") == name for node in source.tree.body)


def _others(spot: Spot, have: list[str]) -> Iterator[tuple[str, float]]:
    for name in spot.clues.exceptions:
        if name not in have and known(spot.source, name):
            yield name, 1.4
    for family in FAMILIES:
        if set(have) & set(family):
            yield from ((name, 1.7) for name in family if name not in have and name not in spot.clues.exceptions)
