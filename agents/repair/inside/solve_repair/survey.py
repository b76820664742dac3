"""The base, test by test: what runs, how it ends, how long it takes, what the variables are."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from typing import Any, Callable, Dict, Set

import pytest

from solve_repair import forks
from solve_repair.plan import Out, Plan
from solve_repair.running import Outcome, Runner
from solve_repair.watch import Watch
from solve_repair.workers import stop_here

FIRST = 1.5  # CPU seconds for the first traced test that shows the issue, unless the base run says that it needs more
MOST = 10.0
LATER = 0.4  # once one has run past that: its coverage is complete long before
GUARD = 2.0  # CPU seconds for a traced test that passes
SHARE = 0.6  # of the survey's time that tests which pass may use


IMPORT = -1  # in place of a test's number: lines that run while tests are collected
Lines = Dict[str, Set[int]]  # by file


class Survey:
    """Begins before anything is imported."""

    def __init__(self, plan: Plan) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="solve-repair-")
        self.log = os.path.join(self.folder.name, "log")
        self.watch = Watch(plan.root, self.log)
        self.watch.begin(IMPORT, types=False)


def run(
    survey: Survey, plan: Plan, runner: Runner, items: dict[str, pytest.Item], problems: list[str], out: Out
) -> dict[str, Lines]:
    """Returns the lines that each test ran."""
    survey.watch.end()
    missing = [name for name in plan.showing if name not in items]
    out.write(kind="head", python=list(sys.version_info[:2]), missing=missing, problems=problems[:5])
    with survey.folder:
        names = [name for name in plan.showing if name in items]
        results = _showing(plan, runner, survey.watch, [items[name] for name in names], out)
        guard = [name for name in plan.guard if name in items]
        results += _guarding(plan, runner, survey.watch, [items[name] for name in guard], len(names))
        ran = _publish(survey.log, [*names, *guard], results, out)
    out.write(kind="end", cpu=forks.used())
    return ran


def _showing(
    plan: Plan, runner: Runner, watch: Watch, items: list[pytest.Item], out: Out
) -> list[dict[str, Any] | None]:
    """Each alone, twice: traced, then plainly for its duration and to see whether it repeats itself."""
    results: list[dict[str, Any] | None] = []
    limit = FIRST
    for index, item in enumerate(items):
        if time.monotonic() > plan.deadline:
            results.append(None)
            continue
        allowed = limit if limit == LATER else max(limit, min(MOST, 8 * plan.durations.get(item.nodeid, 0.0)))
        rows = forks.fork(_traced_alone(runner, watch, item, index, allowed)).wait(6 * allowed + 3)
        result: dict[str, Any] = {"status": "timeout", "stable": True}
        for row in rows:
            result.update(row.get("result", {}))
            if "modules" in row:
                out.write(kind="modules", names=row["modules"])
        if result["status"] == "timeout":
            limit = LATER
        results.append(result)
    return results


def _traced_alone(
    runner: Runner, watch: Watch, item: pytest.Item, index: int, limit: float
) -> Callable[[forks.Send], None]:
    def body(send: forks.Send) -> None:
        before = set(sys.modules)
        forks.cpu_limit(limit, stop_here(watch.note_stack, send))
        watch.begin(index, types=True)
        traced = runner.run(item)
        watch.end()
        send({"result": _row(traced)})
        new = [name for name, module in list(sys.modules.items()) if name not in before and _has_file(module)]
        send({"modules": new[:500]})
        forks.cpu_limit(limit)
        plain = runner.run(item)
        stable = plain.signature() == traced.signature()
        send({"result": {"seconds": plain.seconds, "stable": stable}})

    return body


def _has_file(module: object) -> bool:
    return isinstance(getattr(module, "__file__", None), str)


def _row(outcome: Outcome) -> dict[str, Any]:
    return {"status": outcome.status, "seconds": outcome.seconds, "message": outcome.message}


def _guarding(
    plan: Plan, runner: Runner, watch: Watch, items: list[pytest.Item], offset: int
) -> list[dict[str, Any] | None]:
    """One after another in a fork; where it dies, a new one goes on behind the test that killed it."""
    results: list[dict[str, Any] | None] = [None] * len(items)
    until = time.monotonic() + SHARE * max(0.0, plan.deadline - time.monotonic())
    at = 0
    while at < len(items) and time.monotonic() < until:
        rows = forks.fork(_traced_row(runner, watch, items, at, offset, until)).wait(4 * GUARD + 5)
        for row in rows:
            results[row["n"]] = row["result"]
            at = row["n"] + 1
        at += 1  # either done, or the next one killed it
    return results


def _traced_row(
    runner: Runner, watch: Watch, items: list[pytest.Item], at: int, offset: int, until: float
) -> Callable[[forks.Send], None]:
    def body(send: forks.Send) -> None:
        for index in range(at, len(items)):
            if time.monotonic() > until:
                return
            forks.cpu_limit(GUARD)
            watch.begin(offset + index, types=False)
            following = items[index + 1] if index + 1 < len(items) else None
            outcome = runner.run(items[index], following)
            watch.end()
            send({"n": index, "result": _row(outcome)})

    return body


def _publish(log: str, names: list[str], results: list[dict[str, Any] | None], out: Out) -> dict[str, Lines]:
    """The log and the results as rows, one a test."""
    files: dict[str, str] = {}  # each fork numbers its files anew, and says so first
    lines: dict[int, Lines] = {}
    current: Lines = {}
    with open(log, encoding="utf-8", errors="replace") as file:
        for entry in file:
            kind, _, rest = entry.rstrip("\n").partition(" ")
            if kind == "F":
                number, _, path = rest.partition(" ")
                files[number] = path
            elif kind == "T":
                current = lines.setdefault(int(rest), {})
            elif kind == "L":
                number, _, line = rest.partition(" ")
                current.setdefault(files[number], set()).add(int(line))
            elif kind == "V":
                out.write(kind="frame", **json.loads(rest))
    out.write(kind="imported", lines={path: sorted(at) for path, at in lines.get(IMPORT, {}).items()})
    for index, (name, result) in enumerate(zip(names, results)):
        if result is not None:
            hits = {path: sorted(at) for path, at in lines.get(index, {}).items()}
            out.write(kind="test", id=name, lines=hits, **result)
    return {name: lines.get(index, {}) for index, name in enumerate(names)}
