"""A module, its tests and some edits of it, searched in a sandbox of this very Python."""

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from agents.repair.candidates import Proposal
from agents.repair.edits import Edit
from agents.repair.inner import Inner, Request
from agents.repair.observed import Progress, Searched
from agents.repair.source import parse
from agents.repair.suspicion import Line
from sandbox.api import Image, Sandbox
from sandbox.local import LocalSandbox

ENV = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def image(folder: Path, files: dict[str, str]) -> Image:
    for name, text in files.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "venv").symlink_to(sys.prefix)
    return Image("local", str(folder), "", ENV)


def request(*showing: str, guard: Sequence[str] = ()) -> Request:
    return Request(tuple(f"test_m.py::{name}" for name in showing), tuple(guard), {}, ("test_m.py",))


def passing(
    folder: Path, module: str, tests: str, edits: list[tuple[str, str]], asked: Request
) -> tuple[list[int], Progress]:
    """Which of the edits (old, new) of `m.py` are plausible, and the last counts."""
    with LocalSandbox(image(folder, {"m.py": module, "test_m.py": tests})) as sandbox:
        return searched(sandbox, module, edits, asked)


def searched(
    sandbox: Sandbox, module: str, edits: list[tuple[str, str]], asked: Request, early: Collection[Line] = ()
) -> tuple[list[int], Progress]:
    rows = rows_of(sandbox, module, edits, asked, early)
    progress = [row for row in rows if isinstance(row, Progress)]
    return sorted(row.id for row in progress if row.kind == "plausible"), progress[-1]


def rows_of(
    sandbox: Sandbox, module: str, edits: list[tuple[str, str]], asked: Request, early: Collection[Line] = ()
) -> list[Searched]:
    source = parse("m.py", module.encode())
    proposals = []
    for old, new in edits:
        start = module.encode().index(old.encode())
        proposals.append(Proposal("m.py", Edit(start, start + len(old.encode()), new.encode()), 1.0, "test", 1))
    with Inner(sandbox, "python -m pytest", asked, (10.0, 50.0)) as inner:
        inner.survey()
        return inner.search({"m.py": source}, proposals, early, [], 30.0, guard=asked.guard, durations=asked.durations)


def surveyed(sandbox: Sandbox, asked: Request, command: str = "python -m pytest") -> list[object]:
    with Inner(sandbox, command, asked, (20.0, 30.0)) as inner:
        return list(inner.survey())
