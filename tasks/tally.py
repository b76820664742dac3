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


@dataclass(frozen=True, slots=True)
class _Ended:
    """What is counted of an attempt."""

    outcome: str
    dollars: float | None
    tokens: int


class Tally:
    """Safe to share between threads."""

    def __init__(
        self, planned: Sequence[Planned], history: History, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ended: dict[Key, _Ended] = {}
        self.models: dict[str, Count] = {}
        self.total = len(planned)
        self._started: float | None = None
        self._before = 0
        wanted = {each.key for each in planned}
        for each in planned:
            self._count(each.model).planned += 1
        for key, standing in history.standings.items():
            if key in wanted and standing.done:  # its fields as they are: to check them all takes long in a long batch
                known = standing.fields
                tokens = known.get("tokens_in", 0) + known.get("tokens_out", 0)
                self._take(key, _Ended(known["outcome"], known.get("dollars"), tokens))
        self._before = len(self._ended)

    def begin(self) -> None:
        """The clock starts: what ends from now on tells how fast it goes."""
        self._started = self._clock()

    def add(self, key: Key, result: Result) -> None:
        """An attempt ended; one that ended before is taken back first."""
        self._take(key, _Ended(result.outcome, result.dollars, result.tokens_in + result.tokens_out))

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

    def _take(self, key: Key, ended: _Ended) -> None:
        with self._lock:
            before = self._ended.get(key)
            if before is not None:
                self._book(key, before, -1)
            self._ended[key] = ended
            self._book(key, ended, 1)

    def _book(self, key: Key, ended: _Ended, sign: int) -> None:
        count = self._count(key[1])
        count.ended += sign
        count.resolved += sign * (ended.outcome == "resolved")
        count.infra += sign * (ended.outcome == "infra_error")
        count.dollars += sign * (ended.dollars or 0.0)
        count.priced = count.priced and ended.dollars is not None
        count.tokens += sign * ended.tokens
        count.rows.add(key[0])

    def _count(self, model: str) -> Count:
        return self.models.setdefault(model, Count())
