"""One Python file of the tree: its bytes, its syntax tree, and the way between the two. Parsed, never run."""

import ast
import re
from dataclasses import dataclass, field
from functools import cached_property

from agents.repair.edits import Edit
from sandbox import pysyntax
from sandbox.pysyntax import UNPARSABLE

LARGEST = 1_000_000  # bytes of a file that are parsed
NEWLINE = re.compile(rb"\r\n|\r|\n")
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Unreadable(ValueError):
    """Not a Python file that can be edited by offsets."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A function at module or class level, as the half inside the sandbox needs it (see its `plan.Unit`)."""

    name: str
    first: int
    line: int
    start: int
    end: int
    around: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Source:
    path: str  # relative to the tree, posix
    data: bytes
    tree: ast.Module
    starts: tuple[int, ...] = field(repr=False)  # byte offset of each line; one more than there are lines
    parents: dict[ast.AST, ast.AST] = field(repr=False)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Byte offsets of a node that has a place."""
        line, column, end_line, end_column = (
            getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")
        )
        return self.starts[line - 1] + column, self.starts[end_line - 1] + end_column

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.data[start:end].decode()

    def edit(self, node: ast.AST, text: str) -> Edit:
        return Edit(*self.span(node), text.encode())

    def line_start(self, node: ast.AST) -> int:
        line: int = node.lineno  # type: ignore[attr-defined]
        return self.starts[line - 1]

    def indent(self, statement: ast.stmt) -> str:
        """What stands before a statement that begins its line; other statements have none that could be reused."""
        start = self.line_start(statement)
        return self.data[start : start + statement.col_offset].decode()

    def begins_line(self, statement: ast.stmt) -> bool:
        return not self.indent(statement).strip()

    def whole_lines(self, statement: ast.stmt) -> tuple[int, int]:
        """Byte offsets of a statement's lines, with decorators, through the last line break."""
        first = min([statement.lineno, *(item.lineno for item in getattr(statement, "decorator_list", []))])
        return self.starts[first - 1], self.starts[statement.end_lineno or first]

    def function(self, node: ast.AST) -> Function | None:
        """The innermost function whose body `node` stands in."""
        child, parent = node, self.parents.get(node)
        while parent is not None:
            if isinstance(parent, Function) and child in parent.body:
                return parent
            child, parent = parent, self.parents.get(parent)
        return None

    def class_of(self, function: ast.AST) -> ast.ClassDef | None:
        """The class whose method `function` is, or is nested in."""
        parent = self.parents.get(function)
        while parent is not None and not isinstance(parent, ast.ClassDef):
            parent = self.parents.get(parent)
        return parent

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The statement that `node` is or stands in."""
        at: ast.AST | None = node
        while at is not None and not isinstance(at, ast.stmt):
            at = self.parents.get(at)
        return at

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statements among which this one stands."""
        parent = self.parents.get(statement)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
        return []

    def ancestors(self, node: ast.AST) -> list[ast.AST]:
        """Innermost first, without the module."""
        found = []
        parent = self.parents.get(node)
        while parent is not None and not isinstance(parent, ast.Module):
            found.append(parent)
            parent = self.parents.get(parent)
        return found

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All of the tree: walking it anew is what most of the time of making up edits would go to."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """Every call, by the last part of its callee's name."""
        found: dict[str, list[ast.Call]] = {}
        for node in self.nodes:
            if isinstance(node, ast.Call):
                found.setdefault(last_name(node.func), []).append(node)
        return found

    @cached_property
    def attributes(self) -> dict[str, list[str]]:
        """Attributes used in the file, by the text of what they are taken from."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            if isinstance(node, ast.Attribute):
                names = found.setdefault(self.text(node.value), [])
                if node.attr not in names:
                    names.append(node.attr)
        return found

    @cached_property
    def strings(self) -> dict[str, list[str]]:
        """Texts written in the file, by the sort of place (see `place_of`)."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and (place := place_of(self, node)):
                values = found.setdefault(place, [])
                if node.value not in values:
                    values.append(node.value)
        return found

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """Names of parameters, by the name of the function or class that takes them."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            if isinstance(node, Function):
                owner = self.parents.get(node)
                name = owner.name if node.name == "__init__" and isinstance(owner, ast.ClassDef) else node.name
                names = found.setdefault(name, [])
                names += [item.arg for item in (*node.args.args, *node.args.kwonlyargs) if item.arg not in names]
        return found

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Every outermost function, in order."""
        return tuple(self._units(self.tree, ()))

    def unit_at(self, start: int, end: int) -> int:
        """Index of the unit within whose body the bytes lie; -1: none, so only a fresh import shows an edit there."""
        for index, unit in enumerate(self.units):
            if self._bodies[index] <= start and end <= unit.end:
                return index
        return -1

    @cached_property
    def _bodies(self) -> tuple[int, ...]:
        """Where the body of each unit starts: signatures and decorators are evaluated on import."""
        by_place = {self.starts[node.lineno - 1]: node for node in self.nodes if isinstance(node, Function)}
        return tuple(self.line_start(by_place[unit.start].body[0]) for unit in self.units)

    def _units(self, node: ast.AST, around: tuple[tuple[str, str], ...]) -> list[Unit]:
        units = []
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                if self.begins_line(child):
                    units.append(self._unit(child, around))
            elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
                units += self._units(child, self._inside(child, around))
        return units

    def _inside(self, node: ast.AST, around: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        if not isinstance(node, ast.stmt):
            return around
        head = f"class {node.name}:" if isinstance(node, ast.ClassDef) else "if 1:"
        return (*around, (self.indent(node), head))

    def _unit(self, node: Function, around: tuple[tuple[str, str], ...]) -> Unit:
        first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
        return Unit(node.name, first, node.lineno, self.line_start(node), self.whole_lines(node)[1], around)


def last_name(func: ast.expr) -> str:
    """The name by which something is called, without what stands before it."""
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def place_of(source: Source, node: ast.AST) -> str:
    """What an expression is compared with, given to, or looked up in; empty where it is none of these."""
    match source.parents.get(node):
        case ast.Compare(left=left) if left is not node:
            return source.text(left)
        case ast.Call(func=func):
            return f"{last_name(func)}()"
        case ast.keyword(arg=str() as name):
            return f"{name}="
        case ast.Subscript(value=value):
            return f"{source.text(value)}[]"
    return ""


def parse(path: str, data: bytes) -> Source:
    """Parse a file of the tree.

    Raises:
        Unreadable: too large, not UTF-8, or not the syntax of this Python.
    """
    if len(data) > LARGEST or data.startswith(b"\xef\xbb\xbf") or b"\f" in data:
        raise Unreadable(f"{path}: too large, or with marks that offsets do not survive")
    try:
        data.decode()
        tree = pysyntax.parse(data)
    except UNPARSABLE as error:
        raise Unreadable(f"{path}: {error}") from error
    starts = (0, *(match.end() for match in NEWLINE.finditer(data)), len(data))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    return Source(path, data, tree, starts, parents)
