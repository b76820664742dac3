"""Whichever runner's report is in a text → its test cases (pure). Structured reports are looked for first."""

from collections.abc import Callable, Mapping

from sandbox.reports import cargo, golang, javascript, spec, tap
from sandbox.testlog import TestCase

READERS: tuple[Callable[[str, str], dict[str, TestCase]], ...] = (
    golang.read, cargo.read, javascript.read, tap.read, spec.read,
)  # fmt: skip


def read_printed(text: str, root: str) -> Mapping[str, TestCase]:
    """Cases by their ids; empty if no runner is known by what it printed.

    `root` is the worktree's path as the command saw it: files are named relative to it.
    """
    return next((found for reader in READERS if (found := reader(text, root))), {})
