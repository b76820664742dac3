"""What a running batch came to so far, by model: counted up as it goes, never by reading everything again."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.history import History
from tasks.ledger import Key
from tasks.planned import Planned
from tasks.results import Result
from tasks.stats import Interval, wilson

ENOUGH = 3  # attempts that must have ended before anything is projected


@dataclass(slots=True)
class Count:
    """One model. Rates are over its graded attempts and the machine's failures."""

    planned: int = 0
    ended: int = 0
    resolved: int = 0
    infra: int = 0
    dollars: float = 0.0
    priced: bool = True
    tokens: int = 0
    rows: set[str] = field(default_factory=set)  # with an attempt that ended

    @property
    def rate(self) -> float:
        return self.resolved / self.ended if self.ended else 0.0

    @property
    def interval(self) -> Interval | None:
        """Wilson's, as of one attempt at each row: several attempts at a row tell hardly more than one."""
        return wilson(round(self.rate * len(self.rows)), len(self.rows)) if self.rows else None

    @property
    def projected(self) -> float | None:
        """Dollars, once all are made."""
        if not self.priced or self.ended < ENOUGH:
            return None
        return self.dollars / self.ended * max(self.planned, self.ended)


class Tally:
    """Safe to share between threads."""

    def __init__(
        self, planned: Sequence[Planned], history: History, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ended: dict[Key, Result] = {}
        self.models: dict[str, Count] = {}
        self.total = len(planned)
        self._started: float | None = None
        self._before = 0
        wanted = {each.key for each in planned}
        for each in planned:
            self._count(each.model).planned += 1
        for key, standing in history.standings.items():
            if key in wanted and standing.done and (found := standing.result()) is not None:
                self.add(key, found)
        self._before = len(self._ended)

    def begin(self) -> None:
        """The clock starts: what ends from now on tells how fast it goes."""
        self._started = self._clock()

    def add(self, key: Key, result: Result) -> None:
        """An attempt ended; one that ended before is taken back first."""
        with self._lock:
            before = self._ended.get(key)
            if before is not None:
                self._book(key, before, -1)
            self._ended[key] = result
            self._book(key, result, 1)

    @property
    def ended(self) -> int:
        return len(self._ended)

    @property
    def eta(self) -> float | None:
        """Seconds, at the speed so far; None while too little is known."""
        made = self.ended - self._before
        if self._started is None or made < ENOUGH:
            return None
        return (self._clock() - self._started) / made * (self.total - self.ended)

    def as_json(self) -> Mapping[str, object]:
        return {
            "ended": self.ended,
            "total": self.total,
            "eta_seconds": None if self.eta is None else round(self.eta),
            "models": {
                name: {
                    "ended": count.ended,
                    "planned": count.planned,
                    "resolved": count.resolved,
                    "infra": count.infra,
                    "dollars": count.dollars if count.priced else None,
                    "projected_dollars": count.projected,
                    "tokens": count.tokens,
                }
                for name, count in self.models.items()
            },
        }

    def _book(self, key: Key, result: Result, sign: int) -> None:
        count = self._count(key[1])
        count.ended += sign
        count.resolved += sign * result.resolved
        count.infra += sign * (result.outcome == "infra_error")
        count.dollars += sign * (result.dollars or 0.0)
        count.priced = count.priced and result.dollars is not None
        count.tokens += sign * (result.tokens_in + result.tokens_out)
        count.rows.add(key[0])

    def _count(self, model: str) -> Count:
        return self.models.setdefault(model, Count())
