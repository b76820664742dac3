"""The same command in the same folder: it goes on, shows what is finished, and is refused to another question."""

import io
import json
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from agents.run.commands import app
from agents.run.door import at_the_door
from agents.run.finished import ISSUES, finished
from agents.run.options import Options
from agents.run.outcome import Outcome, show
from agents.run.prepare import same_base
from sandbox.api import BadInput
from sandbox.testlog import TestCase, TestReport
from tasks.rundir import RunDir
from tasks.task import Attempt, Cost, Ended, Issue, Task
from tasks.verdict import Showing, Trial, judge

NAME = "tests/test_x.py::test_it"
PATCH = b"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-\xff\n+b\n"


def report(status: str) -> TestReport:
    cases = {NAME: TestCase(NAME, status, 0.25, "E  assert 1 == 2")}  # type: ignore[arg-type]
    return TestReport("python -m pytest", 1, 1.5, cases)


def ended(folder: Path, ended: Ended = "patched") -> Outcome:
    """A run in `folder` that came to its end."""
    showing = Showing((NAME,), "repository", named=False)
    trial = Trial(PATCH, showing, "the whole suite", (report("failed"),) * 2, (report("passed"),) * 2, ("conftest.py",))
    attempt = Attempt(PATCH, ended, "one plausible patch", Cost(3, 1200, 900, 80, 0.25, 9.5))
    task = Task(folder.name, "repo", "0" * 40, Issue("It is wrong", "", source="text"))
    outcome = Outcome(task, attempt, trial, judge(trial), folder, 9.0, 3.0, "m", "docker")
    with RunDir.open(folder) as run:
        run.begin().write_json("run.json", {"asked": Options(repo="repo", issue="It is wrong", model="m").asked()})
        run.write("issue.json", ISSUES.dump_json(task.issue))
        run.write("patch.diff", PATCH)
        run.write_json("verdict.json", outcome.evidence())
    return outcome


def shown(outcome: Outcome) -> str:
    file = io.StringIO()
    show(outcome, Console(file=file, width=100))
    return file.getvalue()


def again(*more: str) -> int:
    return at_the_door(partial(app, [*more, "--json"], standalone_mode=False))


def test_a_finished_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    before = ended(tmp_path / "run")
    after = finished(tmp_path / "run")
    assert after is not None
    assert shown(after) == shown(before)
    assert "3 model calls, 1,200 tokens in (75% from the server's cache), 80 out, $0.2500" in shown(after)
    assert after.as_json() == before.as_json()


@pytest.mark.parametrize("how", ["over_budget", "infra_error"])
def test_what_money_or_a_machine_stopped_is_not_finished(tmp_path: Path, how: Ended) -> None:
    ended(tmp_path / "run", how)
    assert finished(tmp_path / "run") is None


@pytest.mark.parametrize("name", ["question.json", "answer.json"])
def test_what_waits_for_a_person_is_not_finished(tmp_path: Path, name: str) -> None:
    ended(tmp_path / "run")
    (tmp_path / "run" / "solver" / name).write_text("{}")
    assert finished(tmp_path / "run") is None


@pytest.mark.parametrize("name", ["verdict.json", "issue.json", "patch.diff"])
def test_a_folder_that_lacks_a_part_is_not_finished(tmp_path: Path, name: str) -> None:
    ended(tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    assert finished(tmp_path / "run") is None


@pytest.mark.parametrize("more", [[], ["--budget", "9"], ["--sandbox", "local", "--allow-unpriced"]])
def test_the_command_of_a_finished_run_shows_its_result(
    tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    verdict = ended(folder).verdict
    question = ["--repo", "repo", "--issue", "It is wrong", "--model", "m", "--out", str(folder)]
    assert again("run", *question, *more) == 0
    assert json.loads(capsys.readouterr().out)["headline"] == verdict.headline
    assert again("resume", str(folder)) == 0
    assert json.loads(capsys.readouterr().out)["cost"]["calls"] == 3


@pytest.mark.parametrize("more", [["--model", "n"], ["--attempts", "2"], ["--no-tests"], ["--commit", "HEAD~1"]])
def test_another_question_is_refused_in_one_line(
    tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    ended(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    question = ["--repo", "repo", "--issue", "It is wrong", "--model", "m", "--out", str(folder)]
    assert again("run", *question, *more) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "holds a run of another question" in err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_run_does_not_go_on_with_another_tree(tmp_path: Path) -> None:
    with RunDir.open(tmp_path / "run") as run:
        same_base(run, "dirty:1")
        same_base(run, "dirty:1")
        with pytest.raises(BadInput, match="changed since"):
            same_base(run, "dirty:2")
