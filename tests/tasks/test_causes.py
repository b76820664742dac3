"""Whose fault an early end is, and what is done about it."""

import errno

import pytest

from sandbox.api import BadInput, BuildFailed, NetworkUnavailable, PathRefused, SandboxClosed, SandboxUnavailable
from tasks.causes import EARLY, RULES, Early, EndedEarly, cause_of
from tasks.evaluate import RowBroken
from tasks.limits import OverBudget


def test_every_cause_has_its_rule() -> None:
    assert set(RULES) == set(EARLY)


@pytest.mark.parametrize(
    ("error", "early"),
    [
        (SandboxUnavailable("gone"), "engine"),
        (NetworkUnavailable("no host"), "network"),
        (BuildFailed("step", ""), "image"),
        (PathRefused("out"), "sandbox"),
        (SandboxClosed("used after close"), "harness bug"),
        (OSError(errno.ENOSPC, "full"), "disk"),
        (OSError(errno.EACCES, "no"), "harness bug"),
        (OverBudget("spent"), "budget"),
        (RowBroken("row"), "verifier"),
        (BadInput("no key"), "setting"),
        (EndedEarly("time", "late"), "time"),
        (KeyError("x"), "harness bug"),
    ],
)
def test_an_error_has_one_cause(error: Exception, early: Early) -> None:
    assert cause_of(error) == early


def test_only_the_solvers_own_doing_is_graded() -> None:
    assert {early for early in EARLY if RULES[early].grade} == {"budget", "time", "refusal"}
    assert all(RULES[early].fault == "model" for early in EARLY if RULES[early].grade)
    assert all(RULES[early].tries > 1 for early in EARLY if RULES[early].fault in ("machine", "provider"))
