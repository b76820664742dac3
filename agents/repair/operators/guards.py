"""Guards against what may be absent or empty, and defaults for it."""

import ast
from collections.abc import Iterator

from agents.repair.edits import Edit
from agents.repair.operators.returns import values
from agents.repair.scope import NOTHING, may_be, numeric
from agents.repair.source import Function
from agents.repair.spot import Change, Spot

DEFAULTS = {"list": "[]", "dict": "{}", "str": "''", "int": "0", "tuple": "()", "set": "set()", "bytes": "b''"}
MOST_NAMES = 6


def leave(spot: Spot) -> Iterator[Change]:
    """Leave before a statement that uses what is None or empty."""
    if not isinstance(spot.node, ast.stmt) or spot.function is None:
        return
    inside = any(isinstance(item, ast.For | ast.While) for item in spot.source.ancestors(spot.node))
    exits = [*(f"return {value}".rstrip() for value in values(spot)), *(("continue", "break") if inside else ())]
    for name in _used(spot):
        for condition in _absent(spot, name):
            for rank, way in enumerate([*exits[:8], f"return {name}"]):
                text = f"if {condition}:\n    {way}"
                yield from spot.insert_before(spot.node, text, 2.1 + 0.05 * rank)


def refuse(spot: Spot) -> Iterator[Change]:
    """The exception that a test expected, raised for a parameter that is out of range or missing, before all else."""
    function = spot.function
    errors = spot.clues.wanted or (("ValueError", "TypeError") if spot.clues.told else ())
    if function is None or not errors or spot.node is not _first(function):
        return
    assert isinstance(spot.node, ast.stmt)
    for name in [item.arg for item in (*function.args.args, *function.args.kwonlyargs)]:
        types = spot.scope.variables.get(name, frozenset())
        tests = [f"not {name}", f"{name} is None"]
        if numeric(types):
            low = [f"{name} < 0", f"{name} <= 0"]
            tests = [*low, *tests, *(f"{name} is not None and {test}" for test in low)]
        message = repr(spot.clues.told[0]) if spot.clues.told else f'f"{name} is {{{name}!r}}"'
        for error in errors if name not in ("self", "cls") else ():
            for rank, test in enumerate(tests):
                text = f"if {test}:\n    raise {error}({message})"
                yield from spot.insert_before(spot.node, text, 1.3 + 0.05 * rank)


def assume(spot: Spot) -> Iterator[Change]:
    """A default for what is None, before it is used."""
    function = spot.function
    if function is None or not isinstance(spot.node, ast.stmt) or spot.source.parents.get(spot.node) is not function:
        return
    parameters = {item.arg for item in (*function.args.args, *function.args.kwonlyargs)}
    for name in _used(spot):
        types = _types(spot, name)
        if name in parameters and "NoneType" in types:
            kinds = [kind for kind in types if kind in DEFAULTS] or list(DEFAULTS)
            own = f"self.{name}" if name in spot.scope.attributes.get("self", {}) else ""
            for value in [*([own] if own else []), *(DEFAULTS[kind] for kind in kinds)]:
                yield from spot.insert_before(spot.node, f"if {name} is None:\n    {name} = {value}", 2.1)


def only_if(spot: Spot) -> Iterator[Change]:
    """A statement made conditional on the presence of what it uses."""
    node = spot.node
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Return | ast.Raise) or spot.function is None:
        return
    if not spot.source.begins_line(node):
        return
    start, end = spot.source.whole_lines(node)
    body = spot.source.data[start:end].decode()
    inner = "".join(f"    {line}" if line.strip() else line for line in body.splitlines(keepends=True))
    for name in _used(spot):
        for condition in (f"{name} is not None", name, f"not {name}"):
            text = f"{spot.source.indent(node)}if {condition}:\n{inner}"
            yield Change(Edit(start, end, text.encode()), 2.2)


def default_value(spot: Spot) -> Iterator[Change]:
    """`x or default` where x may be None."""
    if not isinstance(spot.node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        return
    if isinstance(getattr(spot.node, "ctx", None), ast.Store | ast.Del) or isinstance(spot.parent, ast.Expr):
        return
    if isinstance(spot.parent, ast.Call) and spot.parent.func is spot.node:
        return
    types, text = spot.scope.types(spot.node), spot.text(spot.node)
    if text in ("self", "cls") or not may_be(types, "NoneType"):
        return
    kinds = [kind for kind in types if kind in DEFAULTS] or list(DEFAULTS)[:4]
    for kind in kinds:
        yield spot.replace(spot.node, f"{text} or {DEFAULTS[kind]}", 1.7 if types else 2.0)


def conditional(spot: Spot) -> Iterator[Change]:
    """A value only where what it is made of is there."""
    if not isinstance(spot.node, ast.Call | ast.Subscript | ast.Attribute | ast.BinOp):
        return
    if not isinstance(spot.parent, ast.Assign | ast.Return | ast.keyword | ast.Call):
        return
    if isinstance(getattr(spot.node, "ctx", None), ast.Store | ast.Del):
        return
    if isinstance(spot.parent, ast.Call) and spot.parent.func is spot.node:
        return
    text = spot.text(spot.node)
    names = [node.id for node in ast.walk(spot.node) if isinstance(node, ast.Name) and node.id in spot.scope.variables]
    for name in list(dict.fromkeys(names))[:MOST_NAMES]:
        if name not in ("self", "cls"):
            for other in ("None", name):
                yield spot.replace(spot.node, f"{text} if {name} else {other}", 2.2)
            yield spot.replace(spot.node, f"{text} if {name} is not None else None", 2.2)


def _first(function: Function) -> ast.stmt:
    """Behind the docstring."""
    body = function.body
    return body[1] if len(body) > 1 and ast.get_docstring(function, clean=False) is not None else body[0]


def _used(spot: Spot) -> list[str]:
    """Variables and attributes of `self` that a statement's own expressions use, absent ones first."""
    found: list[str] = []
    nodes = [spot.node, *ast.iter_child_nodes(spot.node)]
    for node in (item for top in nodes if not isinstance(top, ast.stmt) or top is spot.node for item in ast.walk(top)):
        if isinstance(node, ast.Name) and node.id in spot.scope.variables and node.id not in ("self", "cls"):
            found.append(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.append(spot.text(node))
    names = list(dict.fromkeys(found))
    return sorted(names, key=lambda name: "NoneType" not in _types(spot, name))[:MOST_NAMES]


def _types(spot: Spot, name: str) -> frozenset[str]:
    base, _, attr = name.partition(".")
    return (
        spot.scope.attributes.get(base, {}).get(attr, frozenset())
        if attr
        else spot.scope.variables.get(base, frozenset())
    )


def _absent(spot: Spot, name: str) -> list[str]:
    types = _types(spot, name)
    if types == NOTHING:
        return [f"{name} is None", f"not {name}"]
    return [f"not {name}", f"{name} is None"] if may_be(types, "NoneType") else [f"not {name}", name]
