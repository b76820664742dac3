"""Waiting for a model's server no longer than anybody wants its reply."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from tasks.limits import LOOK, Budget

T = TypeVar("T")


class GivenUp(Exception):
    """The budget was ended, or its time was up, before the call was."""


def while_wanted(call: Callable[[], T], budget: Budget) -> T:
    """What `call` returns or raises. It has a thread of its own: a socket that waits is not woken by anything else.

    Raises:
        GivenUp: nobody waits for it any more; its thread ends when it does, and holds no program up.
    """
    came: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            came.put((call(), None))
        except BaseException as error:  # it belongs to who waits
            came.put((None, error))

    threading.Thread(target=run, daemon=True, name="model call").start()
    while True:
        try:
            value, error = came.get(timeout=LOOK)
        except Empty:
            if budget.seconds_left <= 0:
                raise GivenUp from None
            continue
        if error is not None:
            raise error
        return value  # type: ignore[return-value]
