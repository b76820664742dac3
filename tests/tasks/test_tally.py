"""What a running batch says of itself: counts, an interval, what it will cost, when it will end."""

import pytest
from bench_work import planned

from tasks.history import History
from tasks.ledger import Line
from tasks.tally import Tally


def test_rates_costs_and_time_are_projected_from_what_ended() -> None:
    now = [0.0]
    attempts = [planned(f"r{number}") for number in range(10)]
    fields = {"instance_id": "r9", "model_name_or_path": "m", "outcome": "resolved", "dollars": 2.0}
    before = History.of([Line(at=0, state="graded", key=attempts[9].key, result=fields)])
    tally = Tally(attempts, before, lambda: now[0])
    tally.begin()
    assert (tally.ended, tally.eta) == (1, None)
    for each, outcome in zip(attempts[:3], ("resolved", "unresolved", "infra_error"), strict=True):
        now[0] += 10
        tally.add(each.key, each.unsolved.model_copy(update={"outcome": outcome, "dollars": 1.0}))
    count = tally.models["m"]
    assert (count.ended, count.resolved, count.infra, count.dollars) == (4, 2, 1, 5.0)
    assert count.projected == pytest.approx(12.5)
    assert tally.eta == pytest.approx(60)
    assert count.interval is not None
    assert count.interval.low < 0.5 < count.interval.high


def test_an_attempt_that_is_made_again_counts_once() -> None:
    (attempt,) = attempts = [planned("r")]
    tally = Tally(attempts, History())
    tally.add(attempt.key, attempt.unsolved)
    tally.add(attempt.key, attempt.unsolved.model_copy(update={"outcome": "resolved", "dollars": None}))
    count = tally.models["m"]
    assert (count.ended, count.resolved, count.infra, count.projected) == (1, 1, 0, None)
