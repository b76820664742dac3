"""Runs that are graded: they go on where they stopped, and what they came to is said the same way everywhere."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from report_runs import autocoderover, result
from typer.testing import CliRunner

from agents.run.grading import (
    Attempted,
    Options,
    exit_status,
    grade_all,
    log_name,
    open_folder,
    open_suite,
    unpredicted,
)
from agents.run.report import report
from agents.run.score import score as score_predictions
from agents.run.summary import agreement, summary_json
from sandbox.api import BadInput, Image, Sandbox, SandboxUnavailable
from tasks.environment import Place
from tasks.grade import Cache, Graded, Grader, cache_key
from tasks.harness import Harness, whole_names
from tasks.results import Result, Results
from tasks.row import Row
from tasks.score import Score

PLACE = Place(
    Image("docker", "sha256:1", "/testbed"), Harness("pytest", ("t.py",), whole_names, structured=True), "named"
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = [
        {
            "instance_id": f"org__calc-{number}",
            "repo": "org/calc",
            "base_commit": "a" * 40,
            "problem_statement": "wrong",
            "patch": f"gold {number}",
            "test_patch": "",
            "FAIL_TO_PASS": ["t::a"],
        }
        for number in (1, 2)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def options(rows: Path, out: Path | None = None) -> Options:
    return Options(str(rows), "", "", "", None, None, "solve/python:{python}", 2, out, False)


class Engine:
    """No container can be had; counts how often one was asked for."""

    asked = 0

    def __call__(self, image: Image, task: str) -> Sandbox:
        self.asked += 1
        raise SandboxUnavailable("the engine is gone")


def grader(tmp_path: Path, engine: Engine, known: dict[tuple[Row, bytes], Score]) -> Grader:
    """One whose verdicts are all remembered already."""
    cache = Cache(tmp_path / "cache")
    for (row, patch), score in known.items():
        cache.put(cache_key(row, patch, PLACE), Graded(score, "sha256:1", {"tests": 1.0}, "log"))
    return Grader(lambda row: PLACE, engine, cache)


def unsolved(row: Row, patch: str, run: int = 1) -> Attempted:
    fields = {"instance_id": row.task.id, "model_name_or_path": "m", "model_patch": patch, "run": run}
    return Attempted(row, patch.encode(), Result.model_validate(fields | {"outcome": "infra_error"}))


def test_a_run_goes_on_where_a_machine_failed(rows: Path, tmp_path: Path) -> None:
    suite, engine = open_suite(options(rows)), Engine()
    folder = open_folder(options(rows, tmp_path / "run"), "score")
    attempts = [unsolved(suite.rows[0], "p"), unsolved(suite.rows[1], "q"), unsolved(suite.rows[1], " ", run=2)]
    known = {(suite.rows[0], b"p"): Score("resolved", flagged=("edits tests",))}
    first = grade_all(attempts, grader(tmp_path, engine, known), folder, 2)
    assert {row.key[0::3]: row.outcome for row in first} == {
        ("org__calc-1", 1): "resolved",
        ("org__calc-2", 1): "infra_error",
        ("org__calc-2", 2): "unresolved",
    }
    assert (engine.asked, exit_status(first)) == (1, 3)
    known[suite.rows[1], b"q"] = Score("unresolved", "tests_failed", "t::a failed")
    again = grade_all(attempts, grader(tmp_path, engine, known), folder, 2)
    assert (engine.asked, exit_status(again), len(again)) == (1, 0, 3)
    assert len(Results(folder).path.read_text().splitlines()) == 4
    assert (folder / "logs" / "org__calc-1-m-1.log").read_text() == "log"


def test_a_changed_prediction_is_graded_again(rows: Path, tmp_path: Path) -> None:
    suite, engine = open_suite(options(rows)), Engine()
    folder = open_folder(options(rows, tmp_path / "run"), "score")
    row = suite.rows[0]
    known = {(row, b"p"): Score("resolved"), (row, b"q"): Score("unresolved", "tests_failed")}
    for patch, outcome in (("p", "resolved"), ("q", "unresolved")):
        (found,) = grade_all([unsolved(row, patch)], grader(tmp_path, engine, known), folder, 1)
        assert (found.outcome, found.cached) == (outcome, True)


@pytest.mark.parametrize(("change", "fresh"), [({"grader": "old"}, False), ({"suite": "other"}, False), ({}, True)])
def test_a_stale_verdict_of_an_earlier_start_is_not_used(
    rows: Path, tmp_path: Path, change: dict[str, str], fresh: bool
) -> None:
    suite, engine = open_suite(options(rows)), Engine()
    folder, row = open_folder(options(rows, tmp_path / "run"), "score"), suite.rows[0]
    known = {(row, b"p"): Score("resolved")}
    (first,) = grade_all([unsolved(row, "p")], grader(tmp_path, engine, known), folder, 1)
    Results(folder).add(first.model_copy(update={"outcome": "unresolved"} | change))
    (found,) = grade_all([unsolved(row, "p")], grader(tmp_path, engine, known), folder, 1, fresh=fresh)
    assert found.outcome == "resolved"


def test_a_folder_of_something_else_is_left_alone(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(BadInput, match="is not empty"):
        open_folder(options(rows, tmp_path / "mine"), "score")


def test_mirrors_that_are_not_there_are_bad_input(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there is no folder .*: give --mirrors"):
        open_suite(replace(options(rows), mirrors=tmp_path / "nothing"))


def test_predictions_for_other_rows_are_bad_input(rows: Path, tmp_path: Path) -> None:
    predictions = tmp_path / "preds.jsonl"
    predictions.write_text('{"instance_id": "org__other-1", "model_patch": "x"}\n')
    with pytest.raises(BadInput, match="no prediction for a row of"):
        score_predictions(str(rows), str(predictions))


def test_rows_that_a_solver_left_out_are_counted(rows: Path) -> None:
    suite = {row.task.id: row for row in open_suite(options(rows)).rows}
    first, second = suite.values()
    attempts = [
        Attempted(row, b"", result(name, 1)) for name, row in (("all", first), ("all", second), ("half", first))
    ]
    assert unpredicted(attempts, suite) == {"half": 1}


def test_a_log_has_no_path_in_its_name() -> None:
    name = log_name(result("../../org/model", 1))
    assert "/" not in name
    assert name.endswith("-1.log")
    assert len({log_name(result(solver, 1)) for solver in ("a/b", "a_b", "a b", "a_b-1")}) == 4
    assert len(log_name(result("ü" * 400, 1)).encode()) < 255


def test_agreement_is_counted_where_a_verdict_was_published() -> None:
    found = [
        result("m", 1, published=True),
        result("m", 2, outcome="unresolved", published=True),
        result("m", 3, outcome="unresolved", published=False),
        result("m", 4, outcome="infra_error", published=True),
        result("m", 5),
    ]
    assert agreement(found) == {"compared": 3, "agree": 2, "both_resolved": 1, "both_not": 1}
    told = summary_json(Path("runs/x"), found)
    assert told["disagreements"] == ["org__calc-002 m #1: published resolved, here unresolved (tests_failed)"]
    assert agreement([result("m", 5)]) == {}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "acr"
    folder.mkdir()
    Results(folder).path.write_text("".join(row.model_dump_json() + "\n" for row in autocoderover()))
    return folder


def asked(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(report)
    found = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def test_report_as_json_gives_rates_as_fractions(run: Path) -> None:
    found = json.loads(asked(str(run), "--json"))["solvers"][0]
    assert found["pass@1"] == pytest.approx(0.1867, abs=5e-5)
    assert found["pass@k"]["3"] == pytest.approx(0.26)


def test_report_for_people_and_pages(run: Path, tmp_path: Path) -> None:
    assert "18.7%" in asked(str(run), "--html", str(tmp_path / "r.html"))
    assert "18.7%" in (tmp_path / "r.html").read_text()
    assert asked(str(run), "--markdown").startswith("| solver | tasks |")
