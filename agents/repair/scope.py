"""What can be named at a place in a file, and what types it had when the tests ran."""

import ast
import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from agents.repair.source import Function, Source

NUMBERS = frozenset({"int", "float", "bool", "complex"})
NOTHING = frozenset({"NoneType"})
Types = frozenset[str]
UNKNOWN: Types = frozenset()


@dataclass(frozen=True)
class Observed:
    """Types of the variables of one function, and of the attributes of those variables, over all calls seen."""

    variables: Mapping[str, Types] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Types]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    variables: Mapping[str, Types]  # locals and those of enclosing functions, nearest first
    attributes: Mapping[str, Mapping[str, Types]]
    globals: Mapping[str, str]  # name → function, class, import, constant

    @cached_property
    def visible(self) -> frozenset[str]:
        """Every name that means something here."""
        return frozenset([*self.variables, *self.globals, *dir(builtins)])

    def types(self, node: ast.expr) -> Types:  # noqa: C901  (a table in the shape of a match)
        """Type names this expression may have; unknown where nothing tells."""
        match node:
            case ast.Constant(value=value):
                return frozenset({type(value).__name__})
            case ast.Name(id=name):
                return self.variables.get(name, UNKNOWN)
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                return self.attributes.get(name, {}).get(attr, UNKNOWN)
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return frozenset({"bool"})
            case ast.List() | ast.ListComp():
                return frozenset({"list"})
            case ast.Tuple():
                return frozenset({"tuple"})
            case ast.Dict() | ast.DictComp():
                return frozenset({"dict"})
            case ast.Set() | ast.SetComp():
                return frozenset({"set"})
            case ast.JoinedStr():
                return frozenset({"str"})
            case ast.Call(func=ast.Name(id="len" | "int" | "ord" | "hash")):
                return frozenset({"int"})
            case ast.Call(func=ast.Name(id="str" | "list" | "dict" | "set" | "tuple" | "float" | "bool" as name)):
                return frozenset({name})
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult(), left=left, right=right):
                return self.types(left) or self.types(right)
            case ast.UnaryOp(operand=operand):
                return self.types(operand)
        return UNKNOWN


def compatible(one: Types, other: Types) -> bool:
    """Whether a value of the second types may stand where one of the first stood."""
    if not one or not other or one & other:
        return True
    return bool(one & NUMBERS and other & NUMBERS) or one == NOTHING or other == NOTHING


def may_be(types: Types, *names: str) -> bool:
    """Unknown types may be anything."""
    return not types or not types.isdisjoint(names)


def numeric(types: Types) -> bool:
    return not types or bool(types & {"int", "float"})


def scope_of(source: Source, node: ast.AST, observed: Mapping[tuple[int, str], Observed]) -> Scope:
    """`observed`: for this file, by first line (with decorators) and name of each function."""
    variables: dict[str, Types] = {}
    attributes: dict[str, Mapping[str, Types]] = {}
    function = source.function(node)
    while function is not None:
        first = min([function.lineno, *(item.lineno for item in function.decorator_list)])
        seen = observed.get((first, function.name), Observed())
        written = assigned_types(function)
        for name in local_names(function):
            variables.setdefault(name, seen.variables.get(name) or written.get(name, UNKNOWN))
        for name, types in seen.attributes.items():
            attributes.setdefault(name, types)
        function = source.function(function)
    return Scope(variables, attributes, global_names(source.tree))


def assigned_types(function: Function) -> dict[str, Types]:
    """Types of variables that are only ever set to displays, literals and the like: for what was not seen at run time.

    A tracer is lost where recursion runs too deep, and a frame that never returns is never looked at.
    """
    nothing = Scope({}, {}, {})
    found: dict[str, Types] = {}
    unclear: set[str] = set()
    for node in own_nodes(function.body):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            types = nothing.types(node.value)
            found[node.targets[0].id] = found.get(node.targets[0].id, UNKNOWN) | types
            if not types:
                unclear.add(node.targets[0].id)
    return {name: types for name, types in found.items() if name not in unclear}


def local_names(function: Function) -> list[str]:
    """Parameters, then what is assigned, in order; not what nested functions assign."""
    arguments = function.args
    found = [
        item.arg
        for item in (*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg)
        if item
    ]
    for node in own_nodes(function.body):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
        elif isinstance(node, Function | ast.ClassDef | ast.ExceptHandler):
            found.append(node.name or "")
    return [name for name in dict.fromkeys(found) if name]


def own_nodes(body: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """All nodes of a function's body but what belongs to nested functions and classes."""
    for node in body:
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            yield from own_nodes(ast.iter_child_nodes(node))


def global_names(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in own_nodes(tree.body):
        if isinstance(node, Function):
            found[node.name] = "function"
        elif isinstance(node, ast.ClassDef):
            found[node.name] = "class"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update({(alias.asname or alias.name).split(".")[0]: "import" for alias in node.names})
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.setdefault(node.id, "constant")
    found.pop("*", None)
    return found


def is_builtin(name: str) -> bool:
    return hasattr(builtins, name)
