"""The engine's pulse: a question with a short deadline, now and then, tells a wedged engine from a slow test.

While it does not answer nothing is begun, so that a batch does not burn its tries on an engine that restarts; what is
under way is ended once the silence has lasted, and tried again when there is an engine again.
"""

import threading
import time
from collections.abc import Callable

EVERY = 10.0  # seconds between two questions; while it is silent, RETRY
RETRY = 2.0
WEDGED = 60.0  # seconds of silence after which what runs in it is given up
GONE = 600.0  # after which the batch is


class Pulse:
    """Use as a context manager: its own thread asks while it is open. Safe to share between threads."""

    def __init__(
        self,
        alive: Callable[[], bool],
        *,
        every: float = EVERY,
        retry: float = RETRY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`alive` asks the engine, and must itself end within a few seconds."""
        self._alive, self._every, self._retry, self._clock = alive, every, retry, clock
        self._silent_since: float | None = None
        self._ended = False
        self._wake = threading.Event()
        self._one = threading.Lock()
        self._thread = threading.Thread(target=self._ask, daemon=True, name="pulse")

    @property
    def silence(self) -> float:
        """Seconds since the engine was first not heard; 0 while it answers."""
        since = self._silent_since
        return 0.0 if since is None else max(0.001, self._clock() - since)

    def check(self) -> bool:
        """Ask now."""
        asked = self._clock()
        with self._one:
            found = self._alive()
            if found:
                self._silent_since = None
            elif self._silent_since is None:
                self._silent_since = asked
                self._wake.set()
        return found

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended = True
        self._wake.set()

    def _ask(self) -> None:
        while not self._ended:
            self._wake.wait(self._retry if self.silence else self._every)
            self._wake.clear()
            if not self._ended:
                self.check()
