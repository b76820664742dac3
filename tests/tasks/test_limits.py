import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.limits import Allowance, Amount, Budget, OverBudget


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_reserved_cannot_be_reserved_again() -> None:
    budget = Budget(Allowance(dollars=Decimal("1.00")))
    held = budget.reserve(Amount(dollars=Decimal("0.75")))
    with pytest.raises(OverBudget, match="dollars asked"):
        budget.reserve(Amount(dollars=Decimal("0.50")))
    held.settle(Amount(dollars=Decimal("0.10")))
    budget.reserve(Amount(dollars=Decimal("0.50"))).settle(Amount(dollars=Decimal("0.50")))
    assert budget.spent == Amount(dollars=Decimal("0.60"))


def test_a_parent_that_refuses_leaves_the_child_untouched() -> None:
    parent = Budget(Allowance(calls=1))
    child = parent.child(Allowance(calls=5))
    parent.reserve(Amount(calls=1))
    with pytest.raises(OverBudget):
        child.reserve(Amount(calls=1))
    assert Budget(Allowance(calls=5)).reserve(Amount(calls=5))
    assert child._held == Amount()


def test_an_error_inside_a_reservation_counts_as_spent_in_full() -> None:
    budget = Budget(Allowance(tokens=100))
    with pytest.raises(KeyError), budget.reserve(Amount(tokens=60)):
        raise KeyError
    assert budget.spent.tokens == 60


def test_a_reservation_is_settled_once() -> None:
    held = Budget().reserve(Amount(calls=1))
    held.settle(Amount(calls=1))
    with pytest.raises(RuntimeError):
        held.settle(Amount(calls=1))


def test_time_is_shared_downward() -> None:
    clock = Clock()
    parent = Budget(Allowance(seconds=10), clock=clock)
    clock.now = 4.0
    child = parent.child(Allowance(seconds=100))
    assert child.seconds_left == 6.0
    clock.now = 11.0
    assert child.seconds_left == 0.0
    with pytest.raises(OverBudget, match="time"):
        child.reserve(Amount(calls=1))


def test_a_kind_that_ran_out_does_not_refuse_the_others() -> None:
    budget = Budget(Allowance(dollars=Decimal(1)))
    budget.reserve(Amount(dollars=Decimal(1))).settle(Amount(dollars=Decimal(2)))
    budget.reserve(Amount(calls=1)).settle(Amount(calls=1))
    assert budget.spent == Amount(1, 0, Decimal(2))


cents = st.integers(0, 40).map(lambda value: Decimal(value) / 100)


@given(st.lists(st.tuples(cents, cents), max_size=30))
def test_settled_spending_never_passes_the_allowance(asked: list[tuple[Decimal, Decimal]]) -> None:
    parent = Budget(Allowance(dollars=Decimal("2.00")))
    child = parent.child(Allowance(dollars=Decimal("1.00")))
    for first, second in asked:
        try:
            held = child.reserve(Amount(dollars=max(first, second)))
        except OverBudget:
            continue
        held.settle(Amount(dollars=min(first, second)))
    assert child.spent.dollars <= Decimal("1.00")
    assert parent.spent == child.spent


def test_sixteen_threads_never_overspend() -> None:
    budget = Budget(Allowance(calls=100))
    gate = threading.Barrier(16)
    granted: list[int] = []

    def worker() -> None:
        gate.wait()
        for _ in range(50):
            try:
                budget.reserve(Amount(calls=1)).settle(Amount(calls=1))
            except OverBudget:
                return
            granted.append(1)

    threads = [threading.Thread(target=worker) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == budget.spent.calls == 100


def test_what_is_left_is_the_least_of_all_above() -> None:
    whole = Budget(Allowance(calls=10, dollars=Decimal(2)))
    task = whole.child(Allowance(calls=8, tokens=100))
    task.reserve(Amount(1, 30, Decimal("0.5"))).settle(Amount(1, 20, Decimal("0.5")))
    whole.reserve(Amount(calls=5))
    assert task.left == Allowance(calls=4, tokens=80, dollars=Decimal("1.5"))
