import io
import re
from pathlib import Path

from rich.console import Console

from agents.run.outcome import Outcome, show, show_next
from sandbox.canary import PLANTED
from sandbox.testlog import TestCase, TestReport
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Showing, Trial, judge

PATCH = b"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-" + b"a" * 200 + b"\n+[bold]b\n"
NAME = "tests/test_x.py::test_it"


def report(status: str) -> TestReport:
    cases = {NAME: TestCase(NAME, status, 0.1, "E  assert [red]1 == 2")}  # type: ignore[arg-type]
    return TestReport("python -m pytest" + (PLANTED if status == "passed" else ""), 1, 1.5, cases)


def shown(patch: bytes = PATCH, terminal: bool = False) -> str:
    base = (report("failed"), report("failed"))
    trial = Trial(patch, Showing((NAME,), "issue"), "the whole suite", base, (report("passed"),) if patch else ())
    attempt = Attempt(patch, "patched" if patch else "gave_up", "passes the tests; 1 plausible patch")
    task = Task("t", "repo", "0" * 40, Issue("It is wrong", ""))
    outcome = Outcome(task, attempt, trial, judge(trial), Path("runs/x"), 9.0, 3.0, "repair", "docker")
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=terminal)
    show(outcome, console)
    show_next(outcome, (), console)
    return file.getvalue()


def test_it_shows_the_failing_test_the_patch_the_verdict_the_runs_and_what_to_do_next() -> None:
    text = shown()
    for part in (NAME, "E  assert [red]1 == 2", "verified 1 of 1", "base 2", "patch 1", "runs/x", "git apply"):
        assert part in text


def test_away_from_a_terminal_the_patch_is_as_it_is() -> None:
    text = shown()
    assert PATCH.decode() in text
    assert "\x1b" not in text


def test_on_a_terminal_it_has_colour_whole_words_and_no_names_of_blobs() -> None:
    text = shown(b"diff --git a/x.py b/x.py\nindex 0123..4567 100644\n" + PATCH, terminal=True)
    assert "\x1b[" in text
    assert "0123..4567" not in text
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    headline = plain[plain.index("verified 1 of 1") : plain.index("run      passed")]
    assert max(map(len, headline.splitlines())) <= 80


def test_the_planted_tests_are_told_of_once_beside_the_runs() -> None:
    text = shown()
    assert text.count("planted") == 1
    assert "one of which must fail" in text


def test_without_a_patch_a_model_is_offered() -> None:
    text = shown(b"")
    assert "no_patch" in text
    assert "--model" in text
    assert "git apply" not in text
