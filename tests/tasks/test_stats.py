"""The numbers of a report, against values that were published or worked by other means."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tasks import stats

# AutoCodeRover on SWE-bench Lite, three runs of 300 tasks: 54, 57 and 57 resolved.
AUTOCODEROVER = [1] * 25 + [2] * 16 + [3] * 37 + [0] * 222


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_three_runs_of_autocoderover() -> None:
    assert sum(AUTOCODEROVER) == 54 + 57 + 57
    assert mean([stats.pass_at_k(3, solved, 1) for solved in AUTOCODEROVER]) == pytest.approx(0.1867, abs=5e-5)
    assert mean([stats.pass_at_k(3, solved, 3) for solved in AUTOCODEROVER]) == pytest.approx(0.26)
    assert mean([stats.pass_hat_k(3, solved, 3) for solved in AUTOCODEROVER]) == pytest.approx(0.123, abs=5e-4)


def test_the_wilson_interval_of_54_in_300() -> None:
    found = stats.wilson(54, 300)
    assert (round(100 * found.low, 1), round(100 * found.high, 1)) == (14.1, 22.7)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(case: tuple[int, int]) -> None:
    theirs = binomtest(*case).proportion_ci(0.95, "wilson")
    found = stats.wilson(*case)
    assert (found.low, found.high) == (pytest.approx(theirs.low, abs=1e-12), pytest.approx(theirs.high, abs=1e-12))


def test_the_bootstrap_draws_tasks_not_runs() -> None:
    by_task = stats.bootstrap([solved / 3 for solved in AUTOCODEROVER], seed=1)
    runs = [float(run < solved) for solved in AUTOCODEROVER for run in range(3)]
    by_run = stats.bootstrap(runs, seed=1)
    assert by_task.low == pytest.approx(0.148, abs=0.003)
    assert by_task.high == pytest.approx(0.229, abs=0.003)
    assert (by_task.high - by_task.low) / (by_run.high - by_run.low) == pytest.approx(1.6, abs=0.1)


def test_the_bootstrap_repeats_with_its_seed() -> None:
    values = [random.Random(4).random() for _ in range(30)]
    assert stats.bootstrap(values, seed=3) == stats.bootstrap(values, seed=3)


@given(st.integers(1, 300))
def test_tasks_that_all_ended_alike_do_not_make_it_certain(tasks: int) -> None:
    for rate in (0, 1):
        found, wilsons = stats.bootstrap([float(rate)] * tasks), stats.wilson(rate * tasks, tasks)
        assert (found.low, found.high) == (pytest.approx(wilsons.low), pytest.approx(wilsons.high))
    two_of_three = stats.bootstrap([2 / 3] * tasks)
    assert 0 < two_of_three.low < 2 / 3 < two_of_three.high < 1


def test_a_difference_that_is_the_same_on_every_task_is_not_certain() -> None:
    found = stats.bootstrap([1.0] * 25, between=(-1.0, 1.0))
    assert (found.low, found.high) == (pytest.approx(0.734, abs=1e-3), 1.0)
    found = stats.bootstrap([0.0] * 25, between=(-1.0, 1.0))
    assert (found.low, found.high) == (pytest.approx(-0.133, abs=1e-3), pytest.approx(0.133, abs=1e-3))


def test_66_against_54_is_not_yet_evidence() -> None:
    assert stats.mcnemar_p(22, 10) == pytest.approx(0.050, abs=5e-4)
    first = [True] * 44 + [True] * 22 + [False] * 10 + [False] * 224
    second = [True] * 44 + [False] * 22 + [True] * 10 + [False] * 224
    found = stats.mcnemar(first, second)
    assert (found.only_first, found.only_second, sum(first), sum(second)) == (22, 10, 66, 54)
    assert found.difference == pytest.approx(0.04)


def test_no_discordant_task_is_no_evidence() -> None:
    assert stats.mcnemar([True, False], [True, False]).p == 1.0


def test_a_paired_comparison_needs_the_same_tasks() -> None:
    with pytest.raises(ValueError, match="same tasks"):
        stats.mcnemar([True], [True, False])


def test_holm_steps_down_and_keeps_the_order() -> None:
    assert stats.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@pytest.mark.parametrize(
    ("tasks", "discordant", "points"),
    [(300, 0.10, 5.1), (300, 0.15, 6.3), (300, 0.20, 7.2), (500, 0.10, 4.0), (50, 0.10, 12.5), (50, 0.20, 17.7)],
)
def test_the_smallest_difference_a_suite_can_show(tasks: int, discordant: float, points: float) -> None:
    assert 100 * stats.smallest_difference(tasks, discordant) == pytest.approx(points, abs=0.06)


def test_percentiles_interpolate() -> None:
    assert stats.percentile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.5
    assert stats.percentile([], 0.5) != stats.percentile([], 0.5)  # nan


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_counts_every_draw(case: tuple[int, int, int]) -> None:
    runs, solved, k = case
    draws = list(itertools.combinations([True] * solved + [False] * (runs - solved), k))
    assert stats.pass_at_k(runs, solved, k) == pytest.approx(mean([any(draw) for draw in draws]))
    assert stats.pass_hat_k(runs, solved, k) == pytest.approx(mean([all(draw) for draw in draws]))


@pytest.mark.parametrize(("runs", "solved", "k"), [(3, 1, 4), (3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_pass_at_k_refuses_what_is_not_defined(runs: int, solved: int, k: int) -> None:
    with pytest.raises(ValueError, match="not defined"):
        stats.pass_at_k(runs, solved, k)
