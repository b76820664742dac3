"""What a file is cut into: units that a person would point at.

A function with all that is nested in it, a class without its methods, the rest of a module, a section of a document.
"""

from typing import Literal, NamedTuple

Kind = Literal["module", "class", "function", "method", "section"]
KINDS: tuple[Kind, ...] = ("module", "class", "function", "method", "section")


class Unit(NamedTuple):
    """A tuple, because a repository has 100,000 of them to make."""

    kind: Kind
    name: str  # as written; "" for the rest of a module
    start: int  # bytes; `end` exclusive
    end: int
    line: int  # from 1, `last` inclusive
    last: int
    parent: int = -1  # position of the enclosing unit; -1 for the first, which is the file itself
    bases: tuple[str, ...] = ()
    doc: str = ""  # first line of its doc comment


class Piece(NamedTuple):
    """Bytes that belong to one unit."""

    owner: int
    start: int
    end: int
