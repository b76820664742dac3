"""Fault localisation by spectrum."""

import pytest

from agents.repair.suspicion import normalised, ochiai

A, B, C = ("m.py", 1), ("m.py", 2), ("m.py", 3)


def test_a_line_that_only_failing_tests_run_is_the_most_suspicious() -> None:
    scores = ochiai([{A, B}, {A, B}], [{B}, {B, C}])
    assert scores[A] == 1.0
    assert scores[B] == pytest.approx(2 / (2 * 4) ** 0.5)


def test_a_line_that_no_failing_test_runs_is_not_suspicious() -> None:
    assert C not in ochiai([{A}], [{C}])


def test_scores_are_comparable_between_bugs() -> None:
    assert max(normalised(ochiai([{A}], [{A}, {A}])).values()) == 1.0
    assert normalised({}) == {}
