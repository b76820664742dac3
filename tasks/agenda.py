"""What is still to be done: workers take from it, and put back what has to be done again."""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from typing import Literal

from tasks.planned import Job, Planned, Stage

Admission = Literal["now", "later", "never"]
LOOK = 1.0  # seconds after which one who waits looks again: memory and engines send no word


class Agenda:
    """Safe to share between threads. `admit` says whether an attempt may begin; of "never" none is begun any more."""

    def __init__(
        self,
        jobs: Iterable[Job],
        admit: Callable[[Planned], Admission],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._admit, self._clock = admit, clock
        self._waiting: dict[Stage, deque[Job]] = {"solve": deque(), "grade": deque()}
        self._delayed: list[tuple[float, int, Job]] = []
        self._number = count()
        self._under_way = 0
        self._stopped = False
        self._changed = threading.Condition()
        self.left: list[Job] = []  # not admitted
        for job in jobs:
            self._waiting[job.stage].append(job)

    def take(self, stage: Stage) -> Job | None:
        """The next job of a stage, once there is one; None when there will be none any more."""
        with self._changed:
            while not self._stopped:
                job = self._next(stage)
                if job is not None:
                    self._under_way += 1
                    return job
                if self._nothing_left():
                    break
                self._changed.wait(self._patience())
            self._changed.notify_all()
            return None

    def put(self, job: Job, delay: float = 0.0) -> None:
        """A job that was taken goes on: its next stage, or the same again after `delay` seconds."""
        with self._changed:
            self._under_way -= 1
            if delay:
                heapq.heappush(self._delayed, (self._clock() + delay, next(self._number), job))
            else:
                self._waiting[job.stage].append(job)
            self._changed.notify_all()

    def finish(self) -> None:
        """Of a job that was taken, nothing is left to do."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Nobody takes any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def over(self) -> bool:
        """Nothing is under way, and nothing will be."""
        with self._changed:
            return self._under_way == 0 and (self._stopped or self._nothing_left())

    def waiting(self) -> int:
        with self._changed:
            return sum(map(len, self._waiting.values())) + len(self._delayed)

    def wait(self, seconds: float) -> None:
        """Until something changes, or this long."""
        with self._changed:
            self._changed.wait(seconds)

    def _patience(self) -> float:
        return min(LOOK, max(0.0, self._delayed[0][0] - self._clock())) if self._delayed else LOOK

    def _nothing_left(self) -> bool:
        return not (self._under_way or self._delayed or any(self._waiting.values()))

    def _next(self, stage: Stage) -> Job | None:
        while self._delayed and self._delayed[0][0] <= self._clock():
            due = heapq.heappop(self._delayed)[2]
            self._waiting[due.stage].appendleft(due)
        line = self._waiting[stage]
        while line:
            # A patch that is there is graded whatever the budget says: it was paid.
            admitted: Admission = "now" if stage == "grade" else self._admit(line[0].planned)
            if admitted == "later":
                return None
            job = line.popleft()
            if admitted == "now":
                return job
            self.left.append(job)
        return None
