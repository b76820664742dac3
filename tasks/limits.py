"""`Budget`: calls, tokens, dollars and seconds, reserved before they are spent and settled after.

One budget is shared by all roles, retries and parallel branches of a task; its parent by all tasks of a batch. A
reservation is taken at the worst case from the budget and from every parent, all or nothing, so however many threads
ask at once, what is settled never passes an allowance.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, fields
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

ZERO = Decimal(0)
LOOK = 0.25  # seconds after which who waits looks whether the budget was ended


class OverBudget(Exception):
    """Not enough is left for what was asked; the message names what ran out. Nobody's fault but the budget's."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls, tokens and dollars: what is reserved, and what was used."""

    calls: int = 0
    tokens: int = 0
    dollars: Decimal = ZERO

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.calls + other.calls, self.tokens + other.tokens, self.dollars + other.dollars)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.calls - other.calls, self.tokens - other.tokens, self.dollars - other.dollars)

    def within(self, other: "Amount") -> bool:
        return self.calls <= other.calls and self.tokens <= other.tokens and self.dollars <= other.dollars


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that may be spent; None is no limit."""

    calls: int | None = None
    tokens: int | None = None
    dollars: Decimal | None = None
    seconds: float | None = None


class Reservation:
    """Part of a budget, held until it is settled. Left by an error without `settle`, it counts as spent in full."""

    def __init__(self, budget: "Budget", amount: Amount) -> None:
        self._budget = budget
        self._open = True
        self.amount = amount

    def settle(self, used: Amount) -> None:
        """Book what was really used. More than was reserved is booked in full too: it was paid.

        Raises:
            RuntimeError: settled before.
        """
        if not self._open:
            raise RuntimeError("a reservation is settled once")
        self._open = False
        self._budget._settle(self.amount, used)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open:
            self.settle(self.amount)


class Budget:
    """Safe to share between threads."""

    def __init__(
        self,
        allowance: Allowance = Allowance(),
        *,
        parent: "Budget | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.allowance = allowance
        self._parent = parent
        self._clock = clock
        self._started = clock()
        self._lock = threading.Lock()
        self._spent = Amount()
        self._held = Amount()
        self._ended = False

    def end(self) -> None:
        """Its time is up, now: from any thread, and from a signal's handler."""
        self._ended = True

    def wait(self, seconds: float) -> None:
        """Sleep, but not on after the time is up."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self.seconds_left > 0:
            time.sleep(min(left, LOOK))

    def extend(self, seconds: float) -> None:
        """Give back time in which it was waited for something that is nobody's work."""
        with self._lock:
            self._started += seconds

    @property
    def spent(self) -> Amount:
        with self._lock:
            return self._spent

    @property
    def elapsed(self) -> float:
        """Seconds since this budget was made, without those that were given back."""
        return self._clock() - self._started

    @property
    def seconds_left(self) -> float:
        """Seconds until the first deadline here or above; infinite where there is none; never below zero."""
        if self._ended:
            return 0.0
        own = float("inf") if self.allowance.seconds is None else self.allowance.seconds - self.elapsed
        above = float("inf") if self._parent is None else self._parent.seconds_left
        return max(0.0, min(own, above))

    @property
    def left(self) -> Allowance:
        """What nobody has spent or holds, here and above; None where there is no limit."""
        with self._lock:
            gone = self._spent + self._held
        above = self._parent.left if self._parent else Allowance()
        left: dict[str, Any] = {}
        for name in (item.name for item in fields(Amount)):
            own, most = getattr(self.allowance, name), getattr(above, name)
            bounds = [most, None if own is None else own - getattr(gone, name)]
            left[name] = min((bound for bound in bounds if bound is not None), default=None)
        return Allowance(**left, seconds=None if self.seconds_left == float("inf") else self.seconds_left)

    def reserve(self, amount: Amount) -> Reservation:
        """Hold `amount` at its worst case.

        Raises:
            OverBudget: not enough is left here or in a parent, or the time is up. Nothing is held then.
        """
        if self.seconds_left <= 0:
            raise OverBudget("the time is up")
        with ExitStack() as undo:
            for budget in self._line():
                budget._hold(amount)
                undo.callback(budget._release, amount)
            undo.pop_all()
        return Reservation(self, amount)

    def child(self, allowance: Allowance) -> "Budget":
        """A budget of its own limits whose spending counts here too."""
        return Budget(allowance, parent=self, clock=self._clock)

    def _line(self) -> list["Budget"]:
        return [self, *(self._parent._line() if self._parent else ())]

    def _hold(self, amount: Amount) -> None:
        with self._lock:
            wanted = self._spent + self._held + amount
            for name in (item.name for item in fields(Amount)):
                most = getattr(self.allowance, name)
                # What asks for nothing of a kind is not refused because that kind ran out.
                if most is not None and getattr(amount, name) > 0 and getattr(wanted, name) > most:
                    left = most - getattr(self._spent + self._held, name)
                    raise OverBudget(f"{getattr(amount, name)} {name} asked, {left} of {most} left")
            self._held += amount

    def _release(self, amount: Amount) -> None:
        with self._lock:
            self._held -= amount

    def _settle(self, reserved: Amount, used: Amount) -> None:
        for budget in self._line():
            with budget._lock:
                budget._held -= reserved
                budget._spent += used
