"""Sandboxes that are started before they are needed and ended after: an engine takes its time for both."""

import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sandbox.api import Sandbox

Begin = Callable[[], Sandbox | None]


class Standby:
    """Used from any number of threads. `close` ends it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="solve-standby")
        self._lock = threading.Lock()
        self._ordered: defaultdict[str, list[Future[Sandbox | None]]] = defaultdict(list)

    def order(self, name: str, begin: Begin) -> None:
        """Start a sandbox for who takes one of that name; nothing is raised here."""
        with self._lock:
            self._ordered[name].append(self._pool.submit(begin))

    def take(self, name: str) -> Sandbox | None:
        """The sandbox that was ordered longest ago, once it runs; None if none was. Raises what its `begin` did."""
        with self._lock:
            ordered = self._ordered[name].pop(0) if self._ordered[name] else None
        return ordered.result() if ordered else None

    def end(self, sandbox: Sandbox) -> None:
        """Close a sandbox, some time."""
        self._pool.submit(sandbox.close)

    def close(self) -> None:
        """Wait until every sandbox is gone, those too that nobody took."""
        with self._lock:
            left = [ordered for waiting in self._ordered.values() for ordered in waiting]
            self._ordered.clear()
        for ordered in left:
            if not ordered.cancel() and ordered.exception() is None and (sandbox := ordered.result()):
                self.end(sandbox)
        self._pool.shutdown()
