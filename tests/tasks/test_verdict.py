from sandbox.testlog import Status, TestCase, TestReport
from tasks.task import Issue, TestFile
from tasks.verdict import Showing, Trial, find_showing, judge

SHOWN = Showing(("t.py::shows",), "issue")


def report(problem: str = "", **statuses: Status) -> TestReport:
    cases = {f"t.py::{name}": TestCase(f"t.py::{name}", status) for name, status in statuses.items()}
    return TestReport("pytest", 1, 1.0, cases, problem)


BASE = (report(shows="failed", guards="passed"), report(shows="failed", guards="passed"))


def trial(
    *patched: TestReport, patch: bytes = b"diff", base: tuple[TestReport, ...] = BASE, showing: Showing = SHOWN
) -> Trial:
    return Trial(patch, showing, "the whole suite", base, patched)


def test_verified_when_the_showing_test_turns_and_the_guards_hold() -> None:
    verdict = judge(trial(report(shows="passed", guards="passed")))
    assert verdict.verdict == "verified"
    assert verdict.fixed == ("t.py::shows",)
    assert verdict.guarded == 1
    assert "came with the issue" in verdict.headline
    assert "the whole suite" in verdict.headline


def test_a_runner_whose_report_nothing_guards_is_named() -> None:
    def run(status: Status) -> TestReport:
        return TestReport("make test", 1, 1.0, {"make test": TestCase("make test", status)})

    showing = Showing(("make test",), "repository")
    verdict = judge(Trial(b"diff", showing, "all", (run("failed"), run("failed")), (run("passed"), run("passed"))))
    assert "not guarded against code that forges it" in verdict.headline
    assert "guarded against" not in judge(trial(report(shows="passed", guards="passed"))).headline


def test_no_patch_without_one() -> None:
    assert judge(trial(patch=b"")).verdict == "no_patch"


def test_a_guard_that_fails_is_a_regression_even_if_the_issue_is_gone() -> None:
    verdict = judge(trial(report(shows="passed", guards="failed"), report(shows="passed", guards="failed")))
    assert (verdict.verdict, verdict.regressed) == ("regressed", ("t.py::guards",))


def test_a_guard_that_vanished_or_is_skipped_is_a_regression() -> None:
    assert judge(trial(report(shows="passed"))).verdict == "regressed"
    assert judge(trial(report(shows="passed", guards="skipped"))).verdict == "regressed"


def test_a_guard_that_fails_in_one_of_two_runs_of_the_patch_is_unstable() -> None:
    verdict = judge(trial(report(shows="passed", guards="failed"), report(shows="passed", guards="passed")))
    assert (verdict.verdict, verdict.unstable) == ("verified", ("t.py::guards",))


def test_a_guard_that_differs_between_runs_of_the_base_guards_nothing() -> None:
    base = (report(shows="failed", guards="passed"), report(shows="failed", guards="failed"))
    verdict = judge(trial(report(shows="passed", guards="failed"), base=base))
    assert (verdict.verdict, verdict.unstable, verdict.guarded) == ("verified", ("t.py::guards",), 0)


def test_a_showing_test_that_is_skipped_or_xfailed_is_not_fixed() -> None:
    for status in ("skipped", "xfailed", "xpassed"):
        assert judge(trial(report(shows=status, guards="passed"))).verdict == "unreproduced"


def test_a_showing_test_that_passes_only_once_is_not_fixed() -> None:
    runs = (report(shows="passed", guards="failed"), report(shows="failed", guards="passed"))
    assert judge(trial(*runs)).verdict == "unreproduced"


def test_without_a_showing_test_nothing_is_verified() -> None:
    verdict = judge(trial(report(guards="passed"), showing=Showing((), "issue")))
    assert verdict.verdict == "unreproduced"
    assert "no test that shows the issue" in verdict.headline


def test_a_patch_that_crashes_the_run_has_regressed() -> None:
    verdict = judge(trial(report("pytest crashed before it finished", shows="passed", guards="passed")))
    assert verdict.verdict == "regressed"
    assert "crashed" in verdict.headline


ISSUE = Issue("Wrong sum", "test_named fails since last week")


def test_the_showing_tests_are_those_that_came_with_the_issue() -> None:
    tests = (TestFile("lib/t.py", b"", "issue"),)
    base = TestReport("pytest", 1, 1.0, {name: TestCase(name, "failed") for name in ("t.py::a", "other.py::b")})
    assert find_showing((base, base), tests, ISSUE) == Showing(("t.py::a",), "issue")


def test_else_the_failing_tests_that_the_issue_names() -> None:
    base = report(test_named="failed", test_other="failed", test_fine="passed")
    assert find_showing((base, base), (), ISSUE).ids == ("t.py::test_named",)


def test_else_all_that_fail_in_both_runs() -> None:
    first, second = report(a="failed", b="error", c="failed"), report(a="failed", b="error", c="passed")
    showing = find_showing((first, second), (), ISSUE)
    assert showing == Showing(("t.py::a", "t.py::b"), "repository", named=False)
    passed = report(a="passed", b="passed", c="passed")
    assert "the issue names none of them" in judge(Trial(b"diff", showing, "all", (first, second), (passed,))).headline
