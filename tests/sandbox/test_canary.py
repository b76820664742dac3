import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from sandbox.canary import Canary, checked, collected, plant
from sandbox.testlog import Status, TestCase, TestReport


def planted(beside: str = "tests/test_x.py") -> Canary:
    canary = plant(beside)
    assert canary is not None
    return canary


def report(
    canary: Canary, fails: Status | None = "failed", passes: Status | None = "passed", exit_code: int = 1
) -> TestReport:
    statuses: dict[str, Status | None] = {
        f"{canary.path}::{canary.fails}": fails,
        f"{canary.path}::{canary.passes}": passes,
        "tests/test_x.py::test_real": "passed",
    }
    cases = {name: TestCase(name, status) for name, status in statuses.items() if status}
    return TestReport("pytest", exit_code, 1.0, cases)


def test_a_sound_canary_leaves_the_report_without_it() -> None:
    canary = planted()
    result = checked(report(canary), canary)
    assert (result.problem, set(result.cases)) == ("", {"tests/test_x.py::test_real"})


def test_a_report_that_makes_everything_pass_is_not_believed() -> None:
    canary = planted()
    assert "not believed" in checked(report(canary, fails="passed", exit_code=0), canary).problem


def test_a_report_in_which_the_canary_is_missing_skipped_or_expected_to_fail_is_not_believed() -> None:
    canary = planted()
    for status in (None, "skipped", "xfailed", "error"):
        assert not checked(report(canary, fails=status), canary).usable
        assert not checked(report(canary, passes=status), canary).usable


def test_an_exit_status_of_success_is_not_believed() -> None:
    canary = planted()
    assert not checked(report(canary, exit_code=0), canary).usable


def test_an_earlier_problem_stays() -> None:
    canary = planted()
    assert checked(dataclasses.replace(report(canary), problem="ran past"), canary).problem == "ran past"


def test_it_is_named_as_its_neighbour_is() -> None:
    assert planted("pkg/tests/test_a.py").path.startswith("pkg/tests/test_")
    assert planted("pkg/a_test.py").path.endswith("_test.py")
    assert plant("tests/cases.py") is None
    assert plant("spec/a.rb") is None


def test_which_of_the_two_must_fail_cannot_be_told_by_order() -> None:
    canaries = [planted() for _ in range(40)]
    order = {
        canary.source.index(canary.fails.encode()) < canary.source.index(canary.passes.encode()) for canary in canaries
    }
    assert order == {True, False}


@given(st.text())
def test_any_path_is_answered(beside: str) -> None:
    plant(beside)


def test_collected_tells_whether_it_was_run_at_all() -> None:
    canary = planted()
    assert collected(report(canary, fails=None), canary)
    assert not collected(report(canary, fails=None, passes=None), canary)
