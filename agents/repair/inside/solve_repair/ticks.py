"""Counters compiled into loop bodies and function entries, against candidates that never end.

A counter ends an endless loop after milliseconds and leaves the process usable; a timer costs its whole limit in CPU
each time and can only kill.
"""

from __future__ import annotations

import ast
import builtins

NAME = "__solve_tick__"
UNLIMITED = 1 << 62


class TooManyTicks(BaseException):
    """Not an Exception, so that the code under test does not catch it by accident."""


class Ticks:
    def __init__(self) -> None:
        self.count = 0
        self.limit = UNLIMITED

    def install(self) -> None:
        """Make the counter visible to every function, whatever its module."""

        def tick() -> None:
            self.count += 1
            if self.count > self.limit:
                raise TooManyTicks

        setattr(builtins, NAME, tick)

    def start(self, limit: int = UNLIMITED) -> None:
        self.count = 0
        self.limit = limit


def _call(at: ast.stmt) -> ast.stmt:
    name = ast.Name(NAME, ast.Load())
    call = ast.Call(name, [], [])
    for node in (name, call):
        ast.copy_location(node, at)
    return ast.copy_location(ast.Expr(call), at)


def instrument(tree: ast.Module) -> ast.Module:
    """Add the counter to `tree`, in place. Looks at statements only: expressions have no blocks."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            left += getattr(node, name, ())
        if isinstance(node, (ast.While, ast.For, ast.AsyncFor)):
            node.body.insert(0, _call(node.body[0]))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body.insert(1 if ast.get_docstring(node, clean=False) is not None else 0, _call(node.body[0]))
    return tree
