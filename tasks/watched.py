"""One stage of an attempt while it is under way: what it tells, the sandboxes it has open, and how it is ended."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from sandbox.api import Sandbox
from tasks.admission import Containers
from tasks.causes import Early, EndedEarly
from tasks.event import Event
from tasks.limits import Budget
from tasks.planned import Job


class Watched:
    """Safe to share between threads."""

    def __init__(
        self,
        job: Job,
        budget: Budget,
        seconds: float,
        containers: Containers,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds` of `budget` until it is ended from outside: longer than any deadline of its own."""
        self.job, self.budget = job, budget
        self.started = self.heard = clock()
        self.text = ""  # what it told last
        self.snapshots: dict[str, None] = {}  # what servers said they ran, in the order of its coming
        self.ended: EndedEarly | None = None
        self.ended_at = 0.0
        self.abandoned = False  # somebody else has written down how it ended
        self.thread = threading.current_thread()
        self._seconds, self._containers, self._clock = seconds, containers, clock
        self._waits = False
        self._open: list[Sandbox] = []
        self._lock = threading.Lock()

    @property
    def late(self) -> bool:
        return not self._waits and self.budget.elapsed > self._seconds

    @property
    def stuck(self) -> float:
        """Seconds since it was ended; 0 where it was not."""
        return self._clock() - self.ended_at if self.ended else 0.0

    def tell(self, event: Event) -> None:
        self.heard, self.text = self._clock(), f"{event.stage}: {event.text}"
        ran = event.data.get("ran")
        if isinstance(ran, str) and ran:
            self.snapshots[ran] = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What is waited for meanwhile, an image that is being made, takes nothing of its time."""
        began, self._waits = self._clock(), True
        try:
            yield
        finally:
            self.budget.extend(self._clock() - began)
            self._waits = False

    def check(self) -> None:
        """Raises EndedEarly where it was ended."""
        if self.ended is not None:
            raise self.ended

    def open(self, make: Callable[[], Sandbox]) -> Sandbox:
        """A sandbox that is closed when this is ended.

        Raises:
            EndedEarly: it was ended; whatever `make` raises.
        """
        self.check()
        self._containers.opened()
        try:
            made = make()
        except BaseException:
            self._containers.closed()
            raise
        sandbox = Counted(made, lambda: self._closed(made))
        with self._lock:
            self._open.append(made)
            ended = self.ended
        if ended is not None:
            sandbox.close()
            raise ended
        return sandbox

    def end(self, early: Early, reason: str) -> None:
        """Ends it, from any thread: nothing is opened or asked any more, and what is open or under way is closed."""
        with self._lock:
            if self.ended is not None:
                return
            self.ended, self.ended_at = EndedEarly(early, reason), self._clock()
            left = list(self._open)
        self.budget.end()
        for sandbox in left:  # a wedged engine may take its time: nobody waits for it here
            threading.Thread(target=sandbox.close, daemon=True, name=f"close {self.job.planned}").start()

    def _closed(self, sandbox: Sandbox) -> None:
        with self._lock:
            if sandbox not in self._open:
                return
            self._open.remove(sandbox)
        self._containers.closed()

    def left_open(self) -> int:
        with self._lock:
            return len(self._open)


class Counted:
    """A sandbox whose end is told. Everything else is its own."""

    def __init__(self, sandbox: Sandbox, closed: Callable[[], None]) -> None:
        self._sandbox, self._told = sandbox, closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sandbox, name)

    def close(self) -> None:
        try:
            self._sandbox.close()
        finally:
            self._told()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
