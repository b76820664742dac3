"""What the harness asks for: one JSON file, named by SOLVE_REPAIR_PLAN."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Unit:
    """A function that stands at module or class level; candidates inside its body are swapped into the live one."""

    name: str
    first: int  # line of its first decorator, else of `def`: what `co_firstlineno` says
    line: int  # line of `def`
    start: int  # byte offset of the start of that line
    end: int  # byte offset behind its last statement
    around: tuple[tuple[str, str], ...]  # (indentation, header) of the classes and blocks around it, outermost first


@dataclass(frozen=True)
class Candidate:
    """One edit of one file: bytes `start` to `end` become `text`."""

    id: int
    path: str
    start: int
    end: int
    text: bytes
    cost: float
    unit: int  # index into the plan's units; -1: outside every function, so only a fresh import shows it
    early: bool  # its line runs while tests are collected too: what was made then is not made anew by a swap
    of: tuple[int, ...] = ()  # the two that it is made of


@dataclass(frozen=True)
class Plan:
    mode: str  # survey or search
    out: str  # file that results are appended to
    root: str  # the worktree
    showing: tuple[str, ...]
    guard: tuple[str, ...]  # tests that pass on the base and must go on passing
    deadline: float  # time.monotonic() of this process
    jobs: int
    slack: float  # how much dearer than the first plausible candidate the search still looks
    durations: dict[str, float]  # CPU seconds of each test on the base, as far as known
    batch: int
    modules: tuple[str, ...]
    units: tuple[Unit, ...] = ()
    candidates: tuple[Candidate, ...] = field(default=())


def load() -> Plan:
    with open(os.environ["SOLVE_REPAIR_PLAN"], encoding="utf-8") as file:
        raw: dict[str, Any] = json.load(file)
    units = tuple(
        Unit(**{**row, "around": tuple((indent, head) for indent, head in row["around"])}) for row in raw["units"]
    )
    candidates = tuple(Candidate(**{**row, "text": row["text"].encode()}) for row in raw["candidates"])
    return Plan(
        mode=raw["mode"],
        out=raw["out"],
        root=os.path.realpath(os.getcwd()),
        showing=tuple(raw["showing"]),
        guard=tuple(raw["guard"]),
        deadline=time.monotonic() + raw["seconds"],
        jobs=raw["jobs"],
        slack=raw["slack"],
        durations=raw["durations"],
        batch=raw["batch"],
        modules=tuple(raw["modules"]),
        units=units,
        candidates=candidates,
    )


class Out:
    """Appends JSON lines, each in one write, so that a killed run leaves whole lines."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)

    def write(self, **row: object) -> None:
        os.write(self._fd, json.dumps(row).encode() + b"\n")
