"""What runs in the forks of a search: one after another through a batch, or one candidate through all tests."""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass
from types import FrameType
from typing import Any, Callable

import pytest

from solve_repair import forks
from solve_repair.live import Live, NotSwappable, exchange
from solve_repair.plan import Candidate, Plan
from solve_repair.running import Outcome, Runner
from solve_repair.ticks import Ticks

LEAST_CPU = 0.2  # seconds a test may always use; more where nothing was found
LEAST_TICKS = 20_000
OTHERS_TICKS = 100_000
CALIBRATION = 3_000_000  # counts after which the base itself is taken to run for ever


@dataclass(frozen=True)
class Limit:
    cpu: float
    ticks: int

    def times(self, cpu: int, ticks: int) -> Limit:
        return Limit(self.cpu * cpu, self.ticks * ticks)


class Bench:
    """What every fork needs: the collected tests and the lines that each ran, the live functions, the counter."""

    def __init__(
        self, plan: Plan, runner: Runner, items: dict[str, pytest.Item], ran: dict[str, dict[str, set[int]]]
    ) -> None:
        self.plan = plan
        self.runner = runner
        self.items = items
        self.live = Live(plan.root, {candidate.path for candidate in plan.candidates})
        self.ticks = Ticks()
        self.ticks.install()
        known = [name for name in plan.showing if name in items]
        self.showing = sorted(known, key=lambda name: plan.durations.get(name, 1e9))
        # In the order of collection, as a run of whole files has it.
        wanted = {*known, *plan.guard}
        self.all = [name for name in items if name in wanted]
        self._ran = ran
        self._concerned: dict[int, list[str]] = {}

    def limit(self, name: str, counts: dict[str, int]) -> Limit:
        """For one test: by what it used on the base, and by what others use, for it may have failed early there."""
        others = min(OTHERS_TICKS, 2 * max(counts.values(), default=0))
        ticks = max(LEAST_TICKS, 4 * counts.get(name, 0), others)
        return Limit(max(LEAST_CPU, 5 * self.plan.durations.get(name, 0.0)), ticks)

    def concerned(self, candidate: Candidate) -> list[str]:
        """Of all tests, in order, those that show the bug and those that ran the candidate's function on the base."""
        if candidate.unit not in self._concerned:
            unit, showing = self.plan.units[candidate.unit], set(self.showing)
            last = unit.line + self.live.source(candidate.path).count(b"\n", unit.start, unit.end)
            lines = set(range(unit.first, last + 1))
            self._concerned[candidate.unit] = [
                name
                for name in self.all
                if name in showing or not lines.isdisjoint(self._ran.get(name, {}).get(candidate.path, ()))
            ]
        return self._concerned[candidate.unit]

    def paths(self) -> dict[int, str]:
        return {candidate.unit: candidate.path for candidate in self.plan.candidates if candidate.unit >= 0}

    def run(self, name: str, limit: Limit) -> Outcome:
        self.ticks.start(limit.ticks)
        forks.cpu_limit(limit.cpu)
        return self.runner.run(self.items[name])

    @property
    def ran_out(self) -> bool:
        return self.ticks.count > self.ticks.limit


@dataclass(frozen=True)
class Base:
    """What the base itself does with counters in it."""

    counts: dict[str, int]  # 0: without end
    outcomes: dict[str, Outcome]  # of showing tests


def calibrate(bench: Bench) -> Base:
    """Run the showing tests on the base, and guarding tests while time is left."""
    base = Base({}, {})

    def body(send: forks.Send) -> None:
        bench.runner.light = True
        for index, path in bench.paths().items():
            with contextlib.suppress(NotSwappable, SyntaxError, ValueError):
                bench.live.swap(path, bench.plan.units[index], None)
        forks.cpu_limit(4.0)
        guards = [name for name in bench.plan.guard if bench.plan.durations.get(name, 1.0) < 0.1]
        for name in [*bench.showing, *guards[:20]]:
            bench.ticks.start(CALIBRATION)
            outcome = bench.runner.run(bench.items[name])
            count = 0 if bench.ran_out else bench.ticks.count
            send({"test": name, "count": count, "outcome": vars(outcome)})

    for row in forks.fork(body).wait(20.0):
        base.counts[row["test"]] = row["count"]
        base.outcomes[row["test"]] = Outcome(**row["outcome"])
    return base


def batch(
    bench: Bench, candidates: list[Candidate], limits: dict[str, Limit], base: Base
) -> Callable[[forks.Send], None]:
    """Each candidate through the showing tests; sends {"i": id, "o": outcome} in order, then {"dirty": bool}.

    Outcomes: passed, failed (with "further": whether later than the base does), timeout (by count), invalid, fresh (not
    swappable). Who kills the worker is known to the parent as the first one without an outcome. Dirty: the base no
    longer does what it did, so a candidate has left something behind, and those after it may have failed by that.
    """

    def body(send: forks.Send) -> None:
        bench.runner.light = True
        ran: set[str] = set()
        for candidate in candidates:
            row = _tried(bench, candidate, limits, base)
            ran.update(row.pop("ran", []))
            send({"i": candidate.id, **row})
        send({"dirty": len(candidates) > 1 and _is_dirty(bench, ran, limits, base)})

    return body


def _is_dirty(bench: Bench, ran: set[str], limits: dict[str, Limit], base: Base) -> bool:
    bench.live.clear_caches()
    for name in ran:
        signature = bench.run(name, limits[name]).signature()
        if name in base.outcomes and signature != base.outcomes[name].signature():
            return True
    return False


def _tried(bench: Bench, candidate: Candidate, limits: dict[str, Limit], base: Base) -> dict[str, Any]:
    try:
        before = bench.live.swap(candidate.path, bench.plan.units[candidate.unit], candidate)
    except NotSwappable:
        return {"o": "fresh"}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"o": "invalid"}
    bench.live.clear_caches()
    ran = []
    try:
        for name in bench.showing:
            ran.append(name)
            outcome = bench.run(name, limits[name])
            if bench.ran_out:
                return {"o": "timeout", "ran": ran}
            if outcome.status != "passed":
                return {
                    "o": "failed",
                    "ran": ran,
                    "further": len(ran) > 1 or _further(outcome, base.outcomes.get(name)),
                }
        return {"o": "passed", "ran": ran}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        exchange(before)


def _further(outcome: Outcome, before: Outcome | None) -> bool:
    return before is not None and outcome.further(before)


def check(bench: Bench, candidate: Candidate) -> Callable[[forks.Send], None]:
    """One candidate through the tests that it concerns; sends as `through` does. A fresh process runs the others."""
    items = [bench.items[name] for name in bench.concerned(candidate)]

    def body(send: forks.Send) -> None:
        bench.runner.light = True
        bench.live.swap(candidate.path, bench.plan.units[candidate.unit], candidate)
        bench.ticks.start()
        through(bench.runner, items, bench.plan.durations, send, bench.ticks)

    return body


def through(
    runner: Runner, items: list[pytest.Item], durations: dict[str, float], send: forks.Send, ticks: Ticks
) -> None:
    """Run `items` in order, each within its own limit of CPU; sends {"t": test, "ok": bool} for each.

    Stops at the first bad one; the last line sent is {"end": whether all passed, "steps": ticks}.
    """
    for item, following in zip(items, [*items[1:], None]):
        forks.cpu_limit(LEAST_CPU + 0.7 + 10 * durations.get(item.nodeid, 0.5))
        passed = runner.run(item, following).status == "passed"
        send({"t": item.nodeid, "ok": passed})
        if not passed:
            send({"end": False, "steps": 0})
            return
    send({"end": True, "steps": ticks.count})


def stop_here(note: Callable[[FrameType | None], None], send: forks.Send) -> Callable[[int, FrameType | None], None]:
    """A handler for the CPU limit of a traced test: notes where it is, and leaves."""

    def handler(number: int, frame: FrameType | None) -> None:
        note(frame)
        send({"timeout": True})
        forks.leave()

    return handler
