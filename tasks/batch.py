"""Items × workers, in threads: each result is kept when it comes, and a stop keeps what came."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def run_batch(items: Sequence[T], work: Callable[[T], R], keep: Callable[[R], None], jobs: int) -> None:
    """Do `work` on every item, `jobs` at once; `keep` gets each result in the calling thread, as they come.

    An error of one item (and Ctrl-C) stops the admission of more; what is under way is waited for and kept, then the
    error is raised. What belongs to an item's result is not an error: `work` returns it.
    """
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        running: list[Future[R]] = [pool.submit(work, item) for item in items]
        kept: set[Future[R]] = set()
        try:
            for future in as_completed(running):
                keep(future.result())
                kept.add(future)
        except BaseException:
            for future in running:
                future.cancel()
            for future in running:
                if future not in kept and not future.cancelled() and future.exception() is None:
                    keep(future.result())
            raise
