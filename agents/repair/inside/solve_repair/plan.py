"""What the harness asks for: two JSON files, the first named by SOLVE_REPAIR_PLAN, the second by the first."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

PAUSE = 0.02  # seconds


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
    out: str  # file that results are appended to
    following: str  # file in which the plan for the search comes, once the survey's results are read
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


def first() -> Plan:
    plan = _load(os.environ["SOLVE_REPAIR_PLAN"])
    assert plan is not None
    return plan


def following(plan: Plan) -> Plan | None:
    """The second plan; waits for it. None: nothing more is asked for."""
    while not _is_whole(plan.following):
        time.sleep(PAUSE)
    return _load(plan.following)


def _is_whole(path: str) -> bool:
    """Plans end with a line break."""
    try:
        with open(path, "rb") as file:
            return file.read().endswith(b"\n")
    except FileNotFoundError:
        return False


def _load(path: str) -> Plan | None:
    with open(path, encoding="utf-8") as file:
        raw: dict[str, Any] | None = json.load(file)
    if raw is None:
        return None
    units = tuple(
        Unit(**{**row, "around": tuple((indent, head) for indent, head in row["around"])}) for row in raw["units"]
    )
    candidates = tuple(Candidate(**{**row, "text": row["text"].encode()}) for row in raw["candidates"])
    return Plan(
        out=raw["out"],
        following=raw["following"],
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
