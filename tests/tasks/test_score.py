"""The verdict on a row, rule by rule: named after what each rule fences off."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.testlog import Status
from tasks.score import Evidence, needs_gold, score
from tasks.task import Answer

ANSWER = Answer(b"fix", b"tests", ("t::broken", "t::also"), ("t::kept",))
GOOD = Evidence(
    "git apply",
    statuses={"t::broken": "passed", "t::also": "passed", "t::kept": "passed"},
    exit_code=1,
    finished=True,
    canary="failed",
)


def statuses(**changed: Status) -> Evidence:
    return replace(GOOD, statuses={**GOOD.statuses, **{f"t::{name}": status for name, status in changed.items()}})


def test_all_tests_passing_is_resolved() -> None:
    found = score(ANSWER, GOOD)
    assert (found.outcome, found.cause, found.reason, found.resolved) == ("resolved", "", "", True)
    assert found.fail_to_pass == {"t::broken": "passed", "t::also": "passed"}


@pytest.mark.parametrize("status", ["failed", "error", "skipped", "xfailed", "xpassed"])
def test_a_fail_to_pass_test_must_have_passed(status: Status) -> None:
    found = score(ANSWER, statuses(broken=status))
    assert (found.outcome, found.cause, found.reason) == ("unresolved", "tests_failed", f"t::broken {status}")


def test_a_test_that_did_not_run_is_no_fix() -> None:
    evidence = replace(GOOD, statuses={"t::also": "passed", "t::kept": "passed"})
    assert score(ANSWER, evidence).reason == "t::broken did not run"


def test_a_lost_pass_to_pass_test_is_a_regression() -> None:
    found = score(ANSWER, statuses(kept="failed"))
    assert (found.outcome, found.cause, found.not_kept) == ("unresolved", "regression", ("t::kept",))


@pytest.mark.parametrize(
    ("gold", "outcome"), [("xfailed", "resolved"), ("passed", "unresolved"), ("skipped", "unresolved")]
)
def test_an_expected_failure_counts_only_where_the_answers_own_run_has_it(gold: Status, outcome: str) -> None:
    evidence = statuses(broken="xfailed")
    assert needs_gold(ANSWER, evidence)
    assert score(ANSWER, evidence, gold=statuses(broken=gold)).outcome == outcome


def test_a_failure_needs_no_look_at_the_answers_run() -> None:
    assert not needs_gold(ANSWER, statuses(broken="xfailed", kept="failed"))
    assert not needs_gold(ANSWER, GOOD)


def test_what_the_answers_run_fails_is_not_excused() -> None:
    assert score(ANSWER, statuses(kept="failed"), gold=statuses(kept="failed")).outcome == "unresolved"


@pytest.mark.parametrize(
    "evidence",
    [
        replace(GOOD, canary="passed"),
        replace(GOOD, canary="missing"),
        replace(GOOD, exit_code=0),
        replace(GOOD, exit_code=5),
        replace(GOOD, exit_code=0, finished=False, statuses={"t::broken": "passed"}),
        replace(GOOD, strayed=("conftest.py",)),
    ],
)
def test_a_run_that_contradicts_itself_is_tampered_with(evidence: Evidence) -> None:
    found = score(ANSWER, evidence)
    assert (found.outcome, found.cause) == ("tamper", "tamper")
    assert found.reason


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence("not at all", problem="hunk 1 failed"), "patch_apply_failed"),
        (
            replace(GOOD, timed_out=True, problem="ran past its limit", statuses={}, canary="missing", exit_code=124),
            "timeout",
        ),
        (replace(GOOD, problem="could not start", statuses={}, canary="missing", exit_code=4), "crashed"),
        (replace(GOOD, finished=False, canary="missing", statuses={"t::kept": "passed"}, exit_code=139), "crashed"),
        (replace(statuses(broken="failed"), canary="missing"), "tests_failed"),  # a broken patch may lose the canary
    ],
)
def test_a_broken_patch_is_not_accused(evidence: Evidence, cause: str) -> None:
    found = score(ANSWER, evidence)
    assert (found.outcome, found.cause) == ("unresolved", cause)


def test_a_flag_changes_no_outcome() -> None:
    found = score(ANSWER, GOOD, ("names the test runner",))
    assert (found.outcome, found.flagged) == ("resolved", ("names the test runner",))


def test_a_runner_without_a_place_for_a_canary_is_believed() -> None:
    assert score(ANSWER, replace(GOOD, canary="none", exit_code=0)).resolved


@given(
    st.dictionaries(
        st.sampled_from(["t::broken", "t::also", "t::kept"]),
        st.sampled_from(["passed", "failed", "skipped", "xfailed"]),
    ),
    st.sampled_from([0, 1, 2, 137]),
    st.booleans(),
    st.sampled_from(["failed", "passed", "missing"]),
)
def test_resolved_means_all_that_it_says(found: dict[str, Status], code: int, finished: bool, canary: str) -> None:
    evidence = replace(GOOD, statuses=found, exit_code=code, finished=finished, canary=canary)  # type: ignore[arg-type]
    everything = set(found) == set(GOOD.statuses) and set(found.values()) == {"passed"}
    assert score(ANSWER, evidence).resolved == (everything and code == 1 and finished and canary == "failed")
