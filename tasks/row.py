"""A benchmark's row, told apart by who may see what."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.task import Answer, Task

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)", re.DOTALL)
_SWAPPED = {b"new file mode": b"deleted file mode", b"old mode": b"new mode", b"rename from": b"rename to"}
_SWAPPED |= {after: before for before, after in _SWAPPED.items()}


@dataclass(frozen=True, slots=True)
class Setup:
    """What the environment of a row is made from. Nothing here comes from the answer."""

    version: str = ""  # of the project, as the dataset's specifications are keyed
    environment_commit: str = ""  # whose requirements files count; the base commit where the dataset has none
    image: str = ""  # named by the row itself
    base_patch: bytes = b""  # applied to the image's tree to make the base (SWE-smith: the planted bug)
    folder: Path | None = None  # a Harbor task


@dataclass(frozen=True, slots=True)
class Row:
    """`task` goes to the solver, `setup` to the environment, `answer` to the scorer alone."""

    task: Task
    answer: Answer
    setup: Setup = Setup()
    flaky: bool = False  # the answer's own run does not always end the same: `solve validate` found that
    created: str = ""  # ISO 8601: when its fix was made

    def digest(self) -> str:
        """Of everything that could change a verdict."""
        task, answer = self.task, self.answer
        setup = replace(self.setup, folder=None)
        names = (answer.fail_to_pass, answer.pass_to_pass)
        head = repr((task.id, task.repository, task.base_commit, setup, names, len(answer.patch)))
        return hashlib.sha256(b"".join((head.encode(), answer.patch, answer.test_patch))).hexdigest()[:16]


def reversed_patch(patch: bytes) -> bytes:
    """The git patch that takes `patch` back: what SWE-smith calls `patch` plants the bug, its reverse mends it."""
    return b"".join(_reversed_lines(patch.splitlines(keepends=True)))


def _reversed_lines(lines: list[bytes]) -> Iterator[bytes]:
    removed = added = 0  # lines of the hunk that are still to come
    for number, line in enumerate(lines):
        hunk = _HUNK.match(line) if removed <= 0 and added <= 0 else None
        if hunk:
            removed, added = int(hunk[2] or 1), int(hunk[4] or 1)
            old, new = line[4:].split(b" ", 2)[:2]
            yield b"@@ -" + new[1:] + b" +" + old + b" @@" + hunk[5]
        elif removed > 0 or added > 0:
            sign = line[:1]
            removed -= sign in (b"-", b" ", b"\n")
            added -= sign in (b"+", b" ", b"\n")
            yield {b"-": b"+", b"+": b"-"}.get(sign, sign) + line[1:]
        elif line.startswith(b"--- ") and number + 1 < len(lines):
            yield b"--- " + _prefixed(lines[number + 1][4:], b"a/")
        elif line.startswith(b"+++ ") and number:
            yield b"+++ " + _prefixed(lines[number - 1][4:], b"b/")
        else:
            yield _reversed_header(line)


def _reversed_header(line: bytes) -> bytes:
    if line.startswith(b"index ") and b".." in line:
        names, _, mode = line[6:].strip().partition(b" ")
        before, _, after = names.partition(b"..")
        return b"index " + after + b".." + before + (b" " + mode if mode else b"") + b"\n"
    for key, swapped in _SWAPPED.items():
        if line.startswith(key + b" "):
            return swapped + line[len(key) :]
    return line


def _prefixed(name: bytes, prefix: bytes) -> bytes:
    return prefix + name[2:] if name[:2] in (b"a/", b"b/") else name
