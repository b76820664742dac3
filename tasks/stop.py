"""A person's wish to stop: once, no new work; twice, now."""

import threading
import time
from collections.abc import Callable

GRACE = 120.0  # seconds that what is under way may take after the first wish


class Stop:
    """Safe to share between threads, and to call from a signal's handler."""

    def __init__(self, grace: float = GRACE, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._grace = clock, grace
        self._until: float | None = None
        self._now = False
        self.reason = ""
        self.by_person = False
        self.asked = threading.Event()

    def ask(self, reason: str = "stopped by a signal") -> None:
        """Once: begin nothing. Again: end everything."""
        self.by_person = True
        if self._until is None:
            self._until, self.reason = self._clock() + self._grace, reason
        else:
            self._now = True
        self.asked.set()

    def end(self, reason: str) -> None:
        """End everything, at once."""
        self.reason = self.reason or reason
        self._until, self._now = self._clock(), True
        self.asked.set()

    @property
    def admits(self) -> bool:
        return self._until is None

    @property
    def now(self) -> bool:
        """Asked twice, or the time of what was under way is up."""
        return self._now or (self._until is not None and self._clock() >= self._until)
