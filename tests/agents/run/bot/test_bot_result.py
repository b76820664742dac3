"""What the job that reads hands over to the job that writes."""

from pathlib import Path

import pytest

from agents.run.bot.handover import Request, Result
from agents.run.bot.settings import Settings
from agents.run.bot.work import concluded, guarded
from agents.run.outcome import Outcome
from sandbox.testlog import Status, TestCase, TestReport
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Showing, Trial, judge

REQUEST = Request(
    repository="o/n", issue=1, command="solve", base="a" * 40, key="b" * 64, words="c" * 64, nonce="d", text="",
    dollars=1.0,
)  # fmt: skip
TEST = "t.py::test_a"


def test_an_answer_that_grows_when_logins_are_taken_out_is_a_failed_run() -> None:
    result = Result(issue=1, command="solve", ended="patched", reason=("see://a:b@c " * 700)[:8000])
    kept, patch = guarded(REQUEST, result, b"diff", {})
    assert (kept.ended, kept.dollars, patch) == ("failed", None, b"")
    assert "nothing of it is handed over" in kept.reason


def report(status: Status) -> TestReport:
    return TestReport("pytest", 0, 1.0, {TEST: TestCase(TEST, status)})


@pytest.mark.parametrize(("named", "verdict"), [(True, "verified"), (False, "unreproduced")])
def test_failing_tests_that_the_issue_does_not_name_open_no_pull_request(
    named: bool, verdict: str, tmp_path: Path
) -> None:
    before, after = report("failed"), report("passed")
    trial = Trial(b"diff", Showing((TEST,), "repository", named), "all", (before, before), (after, after))
    task = Task("t", "repo", "0" * 40, Issue("It is wrong", ""))
    outcome = Outcome(task, Attempt(b"diff", "patched"), trial, judge(trial), tmp_path, 9.0, 3.0, "repair", "docker")
    result, _ = concluded(REQUEST, outcome, tmp_path, Settings())
    assert (outcome.verdict.verdict, result.verdict) == ("verified", verdict)
    assert ("names none" in result.headline) != named
