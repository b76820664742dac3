"""What a finished test command and its report add up to. That real runners are read right is tested with sandboxes."""

import pytest

from sandbox.api import ExecResult
from sandbox.testlog import Reported, TestCase, TestReport
from sandbox.testrun import report

PASSED = {"t.py::a": TestCase("t.py::a", "passed")}
FAILED = {"t.py::a": TestCase("t.py::a", "failed")}


def ran(
    exit_code: int, cases: dict[str, TestCase], end: int | None, text: str = "", timed_out: bool = False
) -> TestReport:
    done = ExecResult(exit_code, text.encode(), b"", 1.0, timed_out)
    return report("python -m pytest", done, Reported(cases, end), timeout=60)


def test_a_run_with_passes_and_failures_is_usable() -> None:
    assert ran(0, PASSED, 0).usable
    assert ran(1, FAILED, 1).usable


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (ran(127, {}, None, "sh: nose: not found"), "not found"),
        (ran(126, {}, None), "not executable"),
        (ran(124, PASSED, None, timed_out=True), "ran past its 60 s limit"),
        (ran(5, {}, 5), "collected no tests"),
        (ran(4, {}, 4, "ERROR: usage"), "called wrongly"),
        (ran(1, {}, None, "/usr/bin/python: No module named pytest"), "could not start"),
        (ran(139, PASSED, None), "crashed before it finished"),
        (ran(137, {}, None), "ended by a signal"),
        (ran(5, {}, None, "Ran 0 tests in 0.000s"), "collected no tests"),
    ],
)
def test_a_run_that_says_nothing_about_the_code_has_a_problem(result: TestReport, problem: str) -> None:
    assert problem in result.problem


def test_a_success_that_its_own_report_denies_is_not_believed() -> None:
    assert "says otherwise" in ran(0, FAILED, 1).problem
    assert "says otherwise" in ran(0, PASSED, 1).problem


def test_an_exit_status_that_failed_behind_passing_tests_is_ordinary() -> None:
    assert ran(2, PASSED, 0).usable


def test_a_runner_without_test_names_counts_as_one_test() -> None:
    result = ran(2, {}, None, "make: *** [check] Error 1")
    assert [(case.id, case.status) for case in result.cases.values()] == [("python -m pytest", "failed")]


def test_unittest_is_read_by_its_lines() -> None:
    result = ran(1, {}, None, "test_a (t.Case.test_a) ... ok\ntest_b (t.Case.test_b) ... FAIL\n")
    assert result.ids("failed") == {"test_b (t.Case.test_b)"}
