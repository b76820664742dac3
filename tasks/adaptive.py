"""How many calls may be in flight at a server: grows while it answers, halves when it says that it is too many.

Additive increase, multiplicative decrease (Chiu and Jain 1989), with TCP's slow start (RFC 5681): until the server has
complained once, every answer makes room for one call more. All calls in flight when it complains hear of the same
congestion, so they halve it once.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

START, LEAST, MOST = 8, 1, 512


class Crowded(Exception):
    """The time was up before there was room for another call."""


class Lane:
    """The way to one server. Safe to share between threads."""

    def __init__(self, start: int = START) -> None:
        self._limit = float(start)
        self._slow = True  # no complaint yet
        self._flying = 0
        self._complaints = 0
        self._room = threading.Condition()

    @property
    def limit(self) -> int:
        return max(LEAST, int(self._limit))

    @property
    def flying(self) -> int:
        return self._flying

    @property
    def complaints(self) -> int:
        """Times that the limit was halved."""
        return self._complaints

    @contextmanager
    def call(self, seconds: float) -> Iterator["Call"]:
        """Waits until there is room.

        Raises:
            Crowded: there was none for `seconds`.
        """
        with self._room:
            if not self._room.wait_for(lambda: self._flying < self.limit, min(seconds, threading.TIMEOUT_MAX)):
                raise Crowded(f"no room for another call in {seconds:.0f} s")
            self._flying += 1
            made = Call(self, self._complaints)
        try:
            yield made
        finally:
            with self._room:
                self._flying -= 1
                self._room.notify()

    def _answered(self) -> None:
        with self._room:
            self._limit = min(MOST, self._limit + (1.0 if self._slow else 1.0 / self._limit))
            self._room.notify()

    def _refused(self, heard: int) -> None:
        with self._room:
            if heard == self._complaints:
                self._complaints += 1
                self._slow = False
                self._limit = max(LEAST, self._limit / 2)


@dataclass(frozen=True, slots=True)
class Call:
    """One call in flight; its end says what the server thinks of how many there are."""

    _lane: Lane
    _heard: int  # complaints when it began

    def answered(self) -> None:
        self._lane._answered()

    def refused(self) -> None:
        """429, 529: too many, or too fast."""
        self._lane._refused(self._heard)


@dataclass
class Lanes:
    """One for each server, shared by all attempts of a run. Safe to share between threads."""

    start: int = START
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def to(self, server: str) -> Lane:
        with self._lock:
            return self._lanes.setdefault(server, Lane(self.start))

    def all(self) -> dict[str, Lane]:
        with self._lock:
            return dict(self._lanes)
