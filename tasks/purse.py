"""The money of a batch: a budget for the run, for each model, for each attempt; what is spent admits no new work.

With an allowance for the attempt, an attempt that is admitted has all of it reserved: what is under way can end,
whatever the others spend. Without one, each call is reserved by itself, and the run's end may end an attempt.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from tasks.agenda import Admission
from tasks.causes import Early
from tasks.ledger import Key
from tasks.limits import Allowance, Amount, Budget, OverBudget
from tasks.planned import Planned

LEAST = Amount(dollars=Decimal("0.000001"))


@dataclass(frozen=True, slots=True)
class Allowances:
    """Dollars; None is no limit."""

    run: Decimal | None = None
    model: Decimal | None = None
    task: Decimal | None = None  # each attempt
    seconds: float = 1800.0  # each attempt


class Purse:
    """Safe to share between threads."""

    def __init__(
        self, allowances: Allowances, spent: Mapping[str, float], carried: Mapping[Key, Amount], free: frozenset[str]
    ) -> None:
        """`spent`: by model, in earlier starts. `carried`: what attempts that were begun then have spent, which each
        of them counts anew when it goes on. `free`: models that cost nothing."""
        self.allowances = allowances
        self._free = free
        self._run = Budget(Allowance(dollars=allowances.run))
        self._models: dict[str, Budget] = {}
        self._carried = dict(carried)
        self._lock = threading.Lock()
        for model, dollars in spent.items():
            _book(self._model(model), Amount(dollars=Decimal(str(dollars))))
        for (_, model, _), amount in carried.items():
            _book(self._model(model), amount)

    @property
    def spent(self) -> Decimal:
        return self._run.spent.dollars

    def admit(self, planned: Planned) -> Admission:
        """Whether there is money for another attempt; "later" if there may be when those under way have ended."""
        if planned.model in self._free:
            return "now"
        model, needed = self._model(planned.model), self._needed()
        try:
            model.reserve(needed).settle(Amount())
        except OverBudget:
            spent = (self._run.spent.dollars, self.allowances.run), (model.spent.dollars, self.allowances.model)
            never = any(most is not None and known + needed.dollars > most for known, most in spent)
            return "never" if never else "later"
        return "now"

    @contextmanager
    def attempt(self, planned: Planned) -> Iterator[Budget]:
        """The budget of one attempt.

        Raises:
            OverBudget: another was quicker.
        """
        model, task, seconds = self._model(planned.model), self.allowances.task, self.allowances.seconds
        with self._lock:
            before = self._carried.pop(planned.key, None)
        if before is not None:  # its journal books it again
            _book(model, Amount() - before)
        if task is None or planned.model in self._free:
            yield model.child(Allowance(seconds=seconds))
            return
        with model.reserve(self._needed()) as held:
            own = Budget(Allowance(dollars=task, seconds=seconds))
            try:
                yield own
            finally:
                held.settle(own.spent)

    def over(self, budget: Budget) -> Early:
        """What an attempt ran out of."""
        if budget.seconds_left <= 0:
            return "time"
        return "run budget" if self.allowances.task is None else "budget"

    def _needed(self) -> Amount:
        return LEAST if self.allowances.task is None else Amount(dollars=self.allowances.task)

    def _model(self, name: str) -> Budget:
        with self._lock:
            if name not in self._models:
                self._models[name] = self._run.child(Allowance(dollars=self.allowances.model))
            return self._models[name]


def _book(budget: Budget, amount: Amount) -> None:
    """What was spent is spent, whatever the budget says."""
    budget.reserve(Amount()).settle(amount)
