"""One place that an operator looks at, and the ways to change it."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agents.repair.edits import Edit
from agents.repair.elsewhere import Elsewhere
from agents.repair.scope import Scope
from agents.repair.source import Function, Source
from sandbox.pysyntax import UNPARSABLE, expression

BINARY = {
    ast.BitOr: 5, ast.BitXor: 6, ast.BitAnd: 7, ast.LShift: 8, ast.RShift: 8, ast.Add: 9, ast.Sub: 9,
    ast.Mult: 10, ast.Div: 10, ast.FloorDiv: 10, ast.Mod: 10, ast.MatMult: 10, ast.Pow: 12,
}  # fmt: skip
ATOM = 20


@dataclass(frozen=True, slots=True)
class Change:
    """What an operator proposes: one edit, and how implausible it is (about 1 for a slip of the pen, 3 for a guess)."""

    edit: Edit
    cost: float


@dataclass(frozen=True)
class Clues:
    """What the failures themselves tell."""

    pairs: tuple[tuple[str, str], ...] = ()  # what a string got should have been: (piece of actual, piece of expected)
    strings: tuple[str, ...] = ()  # string values that stand in the messages
    exceptions: tuple[str, ...] = ()  # names of exceptions raised or expected
    wanted: tuple[str, ...] = ()  # those of them that were expected and did not come
    missing: tuple[str, ...] = ()  # parameters for which a call had no argument
    told: tuple[str, ...] = ()  # what an exception's message was expected to say


@dataclass(frozen=True)
class Spot:
    source: Source
    node: ast.AST
    scope: Scope
    clues: Clues = field(default_factory=Clues)
    elsewhere: Elsewhere = field(default_factory=Elsewhere)

    @property
    def parent(self) -> ast.AST | None:
        return self.source.parents.get(self.node)

    @property
    def function(self) -> Function | None:
        return self.source.function(self.node)

    def text(self, node: ast.AST) -> str:
        return self.source.text(node)

    def replace(self, node: ast.expr, text: str, cost: float) -> Change:
        """Put an expression in place of one, in parentheses where it would bind otherwise."""
        need = self._binding(node)
        if need and level(_expression(text)) <= need and not self._enclosed(node):
            text = f"({text})"
        return Change(self.source.edit(node, text), cost)

    def between(self, left: ast.expr, right: ast.expr, old: str, new: str, cost: float) -> Iterator[Change]:
        """Replace an operator that stands between two expressions."""
        start, end = self.source.span(left)[1], self.source.span(right)[0]
        at = self.source.data.find(old.encode(), start, end)
        if at >= 0:
            yield Change(Edit(at, at + len(old), new.encode()), cost)

    def swap(self, one: ast.expr, other: ast.expr, cost: float) -> Change:
        """Exchange two expressions that do not overlap."""
        first, second = sorted((one, other), key=self.source.span)
        start, first_end = self.source.span(first)
        second_start, end = self.source.span(second)
        middle = self.source.data[first_end:second_start].decode()
        text = self._fit(second, first) + middle + self._fit(first, second)
        return Change(Edit(start, end, text.encode()), cost)

    def insert_before(self, statement: ast.stmt, text: str, cost: float) -> Iterator[Change]:
        """A new statement on a line of its own. `text` may have several lines, indented from zero by four."""
        if self.source.begins_line(statement):
            start = self.source.whole_lines(statement)[0]
            yield Change(Edit(start, start, self.indented(text, statement)), cost)

    def insert_after(self, statement: ast.stmt, text: str, cost: float) -> Iterator[Change]:
        if self.source.begins_line(statement):
            end = self.source.whole_lines(statement)[1]
            gap = b"" if self.source.data[:end].endswith((b"\n", b"\r")) else b"\n"
            yield Change(Edit(end, end, gap + self.indented(text, statement)), cost)

    def indented(self, text: str, like: ast.stmt) -> bytes:
        indent = self.source.indent(like)
        return "".join(f"{indent}{line}\n" for line in text.split("\n")).encode()

    def _fit(self, node: ast.expr, place: ast.expr) -> str:
        need = self._binding(place)
        text = self.text(node)
        return f"({text})" if need and level(node) <= need and not isinstance(node, ast.Tuple) else text

    def _enclosed(self, node: ast.expr) -> bool:
        """Whether an operand stands in parentheses already."""
        start, end = self.source.span(node)
        before, behind = self.source.data[max(0, start - 40) : start], self.source.data[end : end + 40]
        return before.rstrip().endswith(b"(") and behind.lstrip().startswith(b")")

    def _binding(self, node: ast.expr) -> int:
        """How tightly the surroundings of an expression bind it; 0: anything may stand there."""
        match self.source.parents.get(node):
            case ast.BinOp(op=op):
                return BINARY.get(type(op), ATOM)
            case ast.UnaryOp(op=op):
                return 3 if isinstance(op, ast.Not) else 11
            case ast.Compare():
                return 4
            case ast.BoolOp(op=op):
                return 1 if isinstance(op, ast.Or) else 2
            case ast.Attribute() | ast.Starred() | ast.Await() | ast.FormattedValue():
                return ATOM - 1
            case ast.Call(func=func) if func is node:
                return ATOM - 1
            case ast.Subscript(value=value) if value is node:
                return ATOM - 1
            case ast.IfExp() | ast.comprehension():
                return 1
        return 0


def level(node: ast.expr | None) -> int:
    """How tightly an expression holds together; higher is tighter."""
    match node:
        case ast.BoolOp(op=op):
            return 1 if isinstance(op, ast.Or) else 2
        case ast.UnaryOp(op=op):
            return 3 if isinstance(op, ast.Not) else 11
        case ast.Compare():
            return 4
        case ast.BinOp(op=op):
            return BINARY.get(type(op), 5)
        case ast.IfExp() | ast.Lambda() | ast.NamedExpr() | ast.Yield() | ast.YieldFrom() | ast.Tuple() | None:
            return 0
    return ATOM


def _expression(text: str) -> ast.expr | None:
    if text.isidentifier():
        return ast.Name(text, ast.Load())
    try:
        return expression(text.strip())
    except UNPARSABLE:
        return None


Operator = Callable[[Spot], Iterator[Change]]
