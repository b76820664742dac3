"""Python's parser for foreign text, from any thread.

One at a time: its depth counter belongs to the interpreter, so that parses in two threads can end with `SystemError:
AST constructor recursion depth mismatch` (python/cpython#106905), and so do the filters of warnings.
"""

import ast
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_TURN = threading.Lock()


@contextmanager
def _turn() -> Iterator[None]:
    with _TURN, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about their code, not ours
        yield


def parse(source: str | bytes) -> ast.Module:
    """Raises one of UNPARSABLE."""
    with _turn():
        return ast.parse(source)


def expression(text: str) -> ast.expr:
    """Raises one of UNPARSABLE."""
    with _turn():
        return ast.parse(text, mode="eval").body


def literal(text: str) -> object:
    """The value of a literal. Raises one of UNPARSABLE, or TypeError."""
    with _turn():
        value: object = ast.literal_eval(text)
        return value
