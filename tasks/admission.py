"""Room for containers: by cores and free memory. Who has one is never made to wait for another, so nobody waits for
ever; who has none waits until there is room.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from sandbox.api import MEBIBYTE

FOR_ONE = 2048 * MEBIBYTE  # of the machine's memory, by which places are counted
FREE = 1024 * MEBIBYTE  # that another container must find, unless none runs
LOOK = 1.0  # seconds between two looks at the memory


def places(cores: int | None = None, memory: int | None = None) -> int:
    """How many containers this machine bears: two for a core, and not more than its memory has room for."""
    cores = cores or os.cpu_count() or 1
    memory = memory or psutil.virtual_memory().total
    return max(1, min(2 * cores, memory // FOR_ONE))


def free_memory() -> int:
    return int(psutil.virtual_memory().available)


class Containers:
    """Places for containers. Safe to share between threads."""

    def __init__(
        self, limit: int, *, free: Callable[[], int] = free_memory, ready: Callable[[], bool] = lambda: True
    ) -> None:
        """`ready`: whether the engine answers."""
        self.limit = limit
        self._free, self._ready = free, ready
        self._taken = 0  # places
        self._open = 0  # containers
        self._urgent = 0  # who waits to finish what was begun
        self._room = threading.Condition()

    @property
    def used(self) -> int:
        """Containers, and places that are kept for one."""
        with self._room:
            return max(self._taken, self._open)

    @contextmanager
    def place(self, *, urgent: bool, going: Callable[[], bool]) -> Iterator[bool]:
        """Waits for a place for the first container of a piece of work; false if meanwhile `going` says no."""
        with self._room:
            self._urgent += urgent
            try:
                while (goes := going()) and not self._has_room(urgent):
                    self._room.wait(LOOK)
            finally:
                self._urgent -= urgent
            self._taken += goes
        try:
            yield goes
        finally:
            with self._room:
                self._taken -= goes
                self._room.notify_all()

    def opened(self) -> None:
        with self._room:
            self._open += 1

    def closed(self) -> None:
        with self._room:
            self._open -= 1
            self._room.notify_all()

    def _has_room(self, urgent: bool) -> bool:
        if not self._ready() or (self._urgent and not urgent):
            return False
        used = max(self._taken, self._open)
        return used == 0 or (used < self.limit and self._free() >= FREE)
