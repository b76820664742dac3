"""Requirement lines → plain PEP 508 requirements. Whatever else stands in them is refused, and said.

A repository's files are hostile data: an index option, a direct URL, a version-control address or a path would have
the host fetch from, or read, a place that the repository chose. None of them is obeyed.
"""

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from sandbox.api import MEBIBYTE

_MAX_DEPTH = 5  # of files that include files
_CONTINUED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[= ]\S+")
_INCLUDE = re.compile(r"^(?:-r|--requirement)[ =]?\s*(\S+)$")


@dataclass(frozen=True, slots=True)
class Requirements:
    accepted: tuple[str, ...] = ()  # PEP 508, without URLs
    refused: tuple[str, ...] = ()  # "FILE: LINE (REASON)"

    def __add__(self, other: "Requirements") -> "Requirements":
        return Requirements(
            tuple(dict.fromkeys(self.accepted + other.accepted)), tuple(dict.fromkeys(self.refused + other.refused))
        )


NOTHING = Requirements()


def read_text(tree: Path, name: str, largest: int = MEBIBYTE) -> str | None:
    """A text file of a hostile tree; None if there is no such regular file, or it has more than `largest` bytes."""
    top = tree.resolve()
    try:
        path = (top / name).resolve()
        if not path.is_relative_to(top) or not path.is_file() or path.stat().st_size > largest:
            return None
        return path.read_text("utf-8", "replace")
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name with a NUL byte
        return None


def accept(lines: Iterable[str], source: str) -> Requirements:
    """Sort requirement strings, as they stand in metadata, into what is taken and what is refused."""
    accepted, refused = [], []
    for line in lines:
        taken, reason = _judge(line)
        if taken:
            accepted.append(taken)
        elif reason:
            refused.append(f"{source}: {line[:100]} ({reason})")
    return Requirements(tuple(dict.fromkeys(accepted)), tuple(refused))


def read_requirements(tree: Path, name: str) -> Requirements | None:
    """A requirements file of `tree` with the files it includes; None if it is not there."""
    text = read_text(tree, name)
    return None if text is None else parse(text, name, lambda path: read_text(tree, path))


def parse(text: str, source: str, include: Callable[[str], str | None], depth: int = 0) -> Requirements:
    """The text of a requirements file; `include` gives the text of another one, by its path in the tree."""
    found = Requirements()
    for raw in _CONTINUED.sub(" ", text).splitlines():
        line = _HASH.sub("", _COMMENT.sub("", raw)).strip()
        match = _INCLUDE.match(line)
        if match is None:
            found += accept([line], source)
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        inner = None if path.startswith(("/", "..")) or depth == _MAX_DEPTH else include(path)
        if inner is None:
            found += Requirements((), (f"{source}: {line[:100]} (no such file in the repository)",))
        else:
            found += parse(inner, path, include, depth + 1)
    return found


def _judge(line: str) -> tuple[str, str]:
    """A requirement to take, or the reason against it; both empty for a line that asks for nothing."""
    line = line.strip()
    if not line or re.match(r"^(-e\s*|--editable[ =]\s*)?\.(\[[\w,.\s-]*\])?$", line):  # the repository itself
        return "", ""
    if line.startswith("-"):
        return "", "options are not obeyed"
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return "", "not a plain requirement: a path, an address, or misspelt"
    if requirement.url:
        return "", "direct addresses are not fetched"
    return str(requirement), ""
