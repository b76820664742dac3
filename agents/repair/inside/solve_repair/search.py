"""The search: batches of candidates in forks, what passes through all tests in a fork and then in a fresh process."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from solve_repair import differ, forks, workers
from solve_repair.jobs import Counts, Running
from solve_repair.pairs import pairs
from solve_repair.plan import Candidate, Out
from solve_repair.workers import Bench, Limit
from solve_repair.zygote import Zygote

SILENCE = 4.0  # wall seconds on top of the CPU limit: machines are loaded, and tests may wait a little
PROGRESS = 0.5  # seconds between two progress lines
ALONE = 50  # candidates that are tried once more in a fork of their own
EARLY = 100  # candidates that are tried by a fresh import too, because their lines run on import
SLOW = 40  # candidates that are tried once more with higher limits
FRESH_SHARE = 0.25  # of the time that candidates outside functions may use: each costs a start


@dataclass
class Search:
    bench: Bench
    zygote: Zygote
    out: Out
    started: float = field(default_factory=time.monotonic)
    asked_at: float = 0.0
    counts: Counts = field(default_factory=Counts)
    limits: dict[str, Limit] = field(default_factory=dict)
    size: int = 1  # of a batch
    base: workers.Base = field(default_factory=lambda: workers.Base({}, {}))
    queue: deque[Candidate] = field(default_factory=deque)
    again: deque[list[Candidate]] = field(default_factory=deque)  # batches that another candidate spoilt
    to_check: deque[Candidate] = field(default_factory=deque)
    to_fresh: deque[Candidate] = field(default_factory=deque)
    outside: deque[Candidate] = field(default_factory=deque)  # only a fresh import shows them
    passed: set[int] = field(default_factory=set)
    steps: dict[int, int] = field(default_factory=dict)  # ticks of all tests with a candidate
    asked: Candidate | None = None
    from_outside: bool = False
    failed: list[Candidate] = field(default_factory=list)
    slow: list[Candidate] = field(default_factory=list)
    further: dict[int, Candidate] = field(default_factory=dict)  # failed, but later than the base does
    running: list[Running] = field(default_factory=list)
    best: float = float("inf")  # cost of the cheapest plausible candidate
    told: float = 0.0
    outside_seconds: float = 0.0

    def run(self) -> None:
        """All candidates; where nothing is found, the likeliest alone, then what ran out of its limits, with more."""
        plan = self.bench.plan
        self.base = workers.calibrate(self.bench)
        self.limits = {name: self.bench.limit(name, self.base.counts) for name in self.bench.showing}
        early = [item for item in plan.candidates if item.early and item.unit >= 0][:EARLY]
        outside = [*early, *(item for item in plan.candidates if item.unit < 0)]
        self.outside.extend(sorted(outside, key=lambda item: item.cost))
        self._drain([item for item in plan.candidates if item.unit >= 0], plan.batch)
        if self._unfound() and plan.batch > 1:
            # What one candidate leaves behind may fail another without any sign; alone none can.
            self._again(self.failed, 1, ALONE)
        if self._unfound():
            self.limits = {name: limit.times(15, 1000) for name, limit in self.limits.items()}
            self._again(self.slow, plan.batch, SLOW)
        paired = self._pairs() if self._unfound() else []
        if paired:
            self._drain(paired, plan.batch)
        self._stop()
        if len(self.passed) > 1 and self._time_left():
            plausible = [item for item in (*plan.candidates, *paired) if item.id in self.passed]
            self.out.write(kind="differ", **differ.compare(self.bench, plausible))
        self._progress(kind="end", exhausted=self._time_left())

    def _pairs(self) -> list[Candidate]:
        """Each edit that brought a test further, with others of its function."""
        found: list[Candidate] = []
        candidates = self.bench.plan.candidates
        for path in sorted({item.path for item in self.further.values()}):
            firsts = [item for item in self.further.values() if item.path == path]
            others = [item for item in candidates if item.path == path and item.unit >= 0]
            source = self.bench.live.source(path)
            found += pairs(source, firsts, others, len(candidates) + len(found))
        return sorted(found, key=lambda item: item.cost)

    def _again(self, candidates: list[Candidate], size: int, most: int) -> None:
        chosen = sorted(candidates, key=lambda item: item.cost)[:most]
        self.counts.tried -= len(chosen)
        self.counts.again += len(chosen)
        candidates.clear()
        self._drain(chosen, size)

    def _unfound(self) -> bool:
        return not self.counts.plausible and self._time_left()

    def _drain(self, candidates: list[Candidate], size: int) -> None:
        self.size = size
        self.queue.extend(candidates)
        try:
            while self._time_left() and (self._feed() or self.running or self.zygote.busy):
                self._listen()
                if time.monotonic() - self.told > PROGRESS:
                    self._progress(kind="progress")
        finally:
            self.queue.clear()
            self.again.clear()

    def _feed(self) -> bool:
        """Start what can start. Whether anything is still to do."""
        jobs = self.bench.plan.jobs
        most = self.best + self.bench.plan.slack
        while self.queue and self.queue[0].cost > most:
            self.queue.clear()
        while len(self.running) < jobs and (self.to_check or self.again or self.queue):
            self._start()
        if not self.zygote.busy:
            self._ask(most)
        return bool(
            self.to_check
            or self.again
            or self.queue
            or self.to_fresh
            or (self.outside and self.outside[0].cost <= most and not self._outside_done())
        )

    def _start(self) -> None:
        if self.to_check:
            left, checks = [self.to_check.popleft()], True
            body = workers.check(self.bench, left[0])
            patience = SILENCE + 3 * max([1.0, *self.bench.plan.durations.values()])
        else:
            count = min(self.size, len(self.queue))
            left = self.again.popleft() if self.again else [self.queue.popleft() for _ in range(count)]
            checks = False
            body = workers.batch(self.bench, list(left), self.limits, self.base)
            patience = SILENCE + sum(limit.cpu for limit in self.limits.values())
        self.running.append(Running(forks.fork(body), left, checks, patience))

    def _ask(self, most: float) -> None:
        """Give the zygote its next: what passed so far first, then what lies outside functions, dearer ones later."""
        if self.to_fresh:
            self.asked, self.from_outside = self.to_fresh.popleft(), False
        elif self.outside and self._outside_turn(most):
            self.asked, self.from_outside = self.outside.popleft(), True
            self.counts.fresh += 1
        else:
            return
        plan, candidate = self.bench.plan, self.asked
        source = self.bench.live.source(candidate.path)
        text = source[: candidate.start] + candidate.text + source[candidate.end :]
        # The showing tests first: most candidates end there.
        tests = self.bench.all if not self.from_outside else list(dict.fromkeys([*self.bench.showing, *self.bench.all]))
        self.zygote.ask(os.path.join(plan.root, candidate.path), text, tests, plan.durations, 2 * SILENCE + 10)
        self.asked_at = time.monotonic()

    def _outside_turn(self, most: float) -> bool:
        if self.outside[0].cost > most or self._outside_done():
            return False
        return not self.queue or self.outside[0].cost <= self.queue[0].cost

    def _outside_done(self) -> bool:
        return self.outside_seconds >= FRESH_SHARE * (self.bench.plan.deadline - self.started)

    def _listen(self) -> None:
        watched: list[Any] = [job.fork.fd for job in self.running]
        if self.zygote.busy:
            watched.append(self.zygote)
        select.select(watched, [], [], 0.2)
        for job in list(self.running):
            for row in job.fork.lines():
                self._check_row(job, row) if job.checks else self._batch_row(job, row)
            if not job.fork.ended and job.fork.stuck(job.patience):
                job.fork.kill()
            if job.fork.ended:
                self._ended(job)
        if self.zygote.busy:
            answer = self.zygote.answer(0.0)
            if answer is not None:
                self._answered(answer)

    def _batch_row(self, job: Running, row: dict[str, Any]) -> None:
        if "dirty" in row:
            if row["dirty"]:
                self._split(job.failed)
                job.failed = []
            return
        candidate = job.left.pop(0)
        outcome = row["o"]
        if outcome == "fresh":
            self.outside.append(candidate)
            return
        self.counts.tried += 1
        if outcome == "passed":
            self.to_check.append(candidate)
        elif outcome == "timeout":
            self._slow(candidate)
        elif outcome == "invalid":
            self.counts.invalid += 1
        else:
            job.failed.append(candidate)
            if row["further"]:
                self.further[candidate.id] = candidate

    def _split(self, failed: list[Candidate]) -> None:
        """Try those again in smaller company: alone where the batch was small already."""
        self.counts.tried -= len(failed)
        self.counts.spoilt += 1
        size = max(1, len(failed) // 4)
        self.again.extend(failed[at : at + size] for at in range(0, len(failed), size))

    def _slow(self, candidate: Candidate) -> None:
        self.counts.timeouts += 1
        self.slow.append(candidate)

    def _check_row(self, job: Running, row: dict[str, Any]) -> None:
        if "end" in row:
            job.end = bool(row["end"])
            job.said = True
            self.steps[job.left[0].id] = row["steps"]
        elif not row["ok"]:
            self._regressed(job.left[0], row["t"])

    def _ended(self, job: Running) -> None:
        self.running.remove(job)
        if job.checks:
            if job.end:
                self.to_fresh.append(job.left[0])
            elif not job.said:
                self._regressed(job.left[0], "a test that did not end")
            return
        self.failed += job.failed
        if job.left:  # the first without an outcome killed the worker
            self.counts.tried += 1
            self._slow(job.left.pop(0))
            self.queue.extendleft(reversed(job.left))

    def _answered(self, answer: dict[str, Any]) -> None:
        candidate, self.asked = self.asked, None
        assert candidate is not None
        if self.from_outside:
            self.counts.tried += candidate.unit < 0
            self.outside_seconds += time.monotonic() - self.asked_at
        if not answer["passed"]:
            if not self.from_outside or answer["ran"] > 1:
                self._regressed(candidate, answer["test"])
            return
        if candidate.id in self.passed:
            return
        self.passed.add(candidate.id)
        self.counts.plausible += 1
        self.best = min(self.best, candidate.cost)
        if candidate.of:
            self.out.write(kind="pair", id=candidate.id, of=candidate.of)
        self._progress(kind="plausible", id=candidate.id, steps=self.steps.get(candidate.id, 0))

    def _regressed(self, candidate: Candidate, test: str) -> None:
        self.counts.regressed += 1
        if self.counts.regressed <= 50:
            self.out.write(kind="regressed", id=candidate.id, test=test)

    def _progress(self, **more: object) -> None:
        self.told = time.monotonic()
        cpu = forks.used() + self.zygote.cpu
        self.out.write(seconds=self.told - self.started, cpu=cpu, **vars(self.counts), **more)

    def _time_left(self) -> bool:
        return time.monotonic() < self.bench.plan.deadline

    def _stop(self) -> None:
        for job in self.running:
            job.fork.kill()
        self.zygote.close()
