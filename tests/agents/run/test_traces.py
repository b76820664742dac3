"""What a batch, a run and a folder of runs left is read back the same way."""

import json
from pathlib import Path

import pytest
from report_runs import result

from agents.run.attempt import attempt_folder
from agents.run.profile import profile
from agents.run.traces import read_traces
from sandbox.api import BadInput
from tasks.results import Results

VERDICT = {
    "verdict": "verified",
    "ended": "patched",
    "reason": "",
    "repository": "https://example.org/org/calc",
    "model": "repair",
    "seconds": 3.5,
    "cost": {"calls": 0, "tokens_in": 0, "tokens_cached": 0, "tokens_out": 0, "dollars": 0.0, "seconds": 0.0},
}


def run(folder: Path, title: str, source: str = "text", verdict: str = "verified") -> None:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "verdict.json").write_text(json.dumps(VERDICT | {"verdict": verdict}))
    (folder / "issue.json").write_text(json.dumps({"title": title, "body": "b", "source": source}))
    (folder / "patch.diff").write_text("+x\n" if verdict == "verified" else "")
    (folder / "events.jsonl").write_text('{"stage": "code", "text": "tried 3 edits"}\n{"torn')


def test_runs_are_named_by_their_issue_where_a_forge_knows_it(tmp_path: Path) -> None:
    run(tmp_path / "one", "Issue 7 of Org/calc")
    run(tmp_path / "two", "wrong", "https://github.com/org/calc/issues/8", verdict="no_patch")
    run(tmp_path / "three", "wrong")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.json").write_text("{}")  # it has not come to a verdict
    found = {trace.result.instance_id: trace for trace in read_traces(tmp_path)}
    assert set(found) == {"org__calc-7", "org__calc-8", "three"}
    assert (found["org__calc-7"].result.outcome, found["org__calc-8"].result.cause) == ("resolved", "empty_patch")
    assert [step.message for _, step in found["three"].steps()] == ["code: tried 3 edits"]
    assert [trace.result.instance_id for trace in read_traces(tmp_path / "one")] == ["org__calc-7"]


def test_attempts_of_a_batch(tmp_path: Path) -> None:
    results = [result("a/b", 1), result("a/b", 2, outcome="unresolved")]
    for each in results:
        Results(tmp_path).add(each)
    folder = attempt_folder(tmp_path, results[0].attempt)
    folder.mkdir(parents=True)
    (folder / "issue.md").write_text("sum is wrong")
    (folder / "events.jsonl").write_text('{"stage": "plan", "text": "looking"}\n')
    first, second = read_traces(tmp_path)
    assert (first.issue, [step.message for _, step in first.steps()]) == ("sum is wrong", ["plan: looking"])
    assert (second.issue, list(second.steps())) == ("", [])
    measured = profile([first, second])
    assert measured.shares["resolved"] == (1, 2)
    assert measured.kinds["ended by"] == {"resolved": 1, "tests_failed": 1}
    assert measured.numbers["patch, lines"] == [2, 2]


def test_a_folder_of_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no results"):
        read_traces(tmp_path)
