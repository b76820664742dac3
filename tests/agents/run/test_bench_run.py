"""`solve bench` from its options to its results, on a machine whose verdicts are all known."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from agents.run import grading
from agents.run.batch import Batch, Came
from agents.run.bench import exit_status, unfinished_lines
from agents.run.bench_floor import Machine
from agents.run.bench_run import open_folder, run
from sandbox.api import BadInput, Image, Owner, Sandbox
from tasks.environment import Place
from tasks.grade import Cache, Graded, cache_key
from tasks.harness import Harness, whole_names
from tasks.ledger import read
from tasks.load import load
from tasks.purse import Allowances
from tasks.results import Results
from tasks.score import Score

PLACE = Place(
    Image("docker", "sha256:1", "/testbed"), Harness("pytest", ("t.py",), whole_names, structured=True), "named"
)


class World:
    def __init__(self, folder: Path) -> None:
        self.folder, self.rows = folder, folder / "rows.jsonl"
        self.environment: Mapping[str, str] = {"SOLVE_CACHE_DIR": str(folder / "cache")}
        self.write("wrong")
        known = Cache(folder / "cache" / "grades")
        for row in load(str(self.rows)).rows:
            known.put(cache_key(row, row.answer.patch, PLACE), Graded(Score("resolved"), "sha256:1"))

    def write(self, text: str) -> None:
        lines = [
            {"instance_id": f"org__calc-{n}", "repo": "org/calc", "base_commit": "a" * 40, "problem_statement": text,
             "patch": f"gold {n}", "test_patch": "", "FAIL_TO_PASS": ["t::a"]}
            for n in (1, 2)
        ]  # fmt: skip
        self.rows.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def bench(self, *models: str, runs: int = 1, place: bool = True, **more: object) -> Came:
        options = grading.Options(
            str(self.rows), "", "", "", None, None, "solve/python:{python}", 2, self.folder / "run", False
        )
        batch = replace(Batch(options, models, runs, Allowances()), **more)  # type: ignore[arg-type]
        return run(batch, self.machine(place), self.environment)

    @staticmethod
    def machine(place: bool) -> Machine:
        def placed(row: object, options: object) -> Place:
            if not place:
                raise BadInput("there is no image for it")
            return PLACE

        def refused(image: Image, owner: Owner) -> Sandbox:
            raise AssertionError("no sandbox is needed here")

        return Machine(refused, placed, lambda: True, lambda: None, lambda: None, 2)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_models_times_rows_times_runs_and_again_nothing_is_done_twice(world: World) -> None:
    came = world.bench("gold", "empty", runs=2)
    assert {(row.model_name_or_path, row.outcome) for row in came.results} == {
        ("gold", "resolved"),
        ("empty", "unresolved"),
    }
    assert (len(came.results), exit_status(came), unfinished_lines(came)) == (8, 0, [])
    before = len(read(came.folder).lines)
    again = world.bench("gold", "empty", runs=2)
    assert (len(again.results), len(read(came.folder).lines)) == (8, before)


def test_every_graded_attempt_is_a_row_of_the_results(world: World) -> None:
    came = world.bench("gold", "empty")
    assert Results(came.folder).read() == came.results
    rows = [json.loads(line) for line in (came.folder / "results.jsonl").read_text().splitlines()]
    assert {(row["instance_id"], row["model_name_or_path"], row["outcome"]) for row in rows} == {
        (f"org__calc-{number}", model, outcome)
        for number in (1, 2)
        for model, outcome in (("gold", "resolved"), ("empty", "unresolved"))
    }
    assert {row["model_patch"] for row in rows} == {"", "gold 1", "gold 2"}
    options = grading.Options(str(world.rows), "", "", "", None, None, "", 2, came.folder, False)
    with pytest.raises(BadInput, match="is a run of `solve bench`"):
        grading.open_folder(options, "score")


def test_a_failure_is_a_result_until_it_is_to_be_made_anew(world: World) -> None:
    world.bench("empty", "gold")
    came = world.bench("empty", "gold", retry_failed=True)
    solving = [line.key[1] for line in read(came.folder).lines if line.state == "solving"]
    assert (solving.count("empty"), solving.count("gold"), len(came.results)) == (4, 2, 4)


@pytest.mark.slow
def test_a_machines_failure_is_tried_again_by_the_next_start(world: World) -> None:
    came = world.bench("gold", place=False)
    assert ({row.early for row in came.results}, exit_status(came)) == ({"verifier"}, 3)
    came = world.bench("gold")
    assert ({row.outcome for row in came.results}, exit_status(came)) == ({"resolved"}, 0)
    assert [line.key for line in read(came.folder).lines if line.state == "solving"].count(
        ("org__calc-1", "gold", 1)
    ) == 1


def test_other_rows_and_other_settings_are_refused(world: World) -> None:
    world.bench("empty")
    with pytest.raises(BadInput, match="settings run: was"):
        world.bench("empty", allowances=Allowances(task=Decimal(1)))
    world.write("something else")
    with pytest.raises(BadInput, match="tasks org__calc-1: was"):
        world.bench("empty")


def test_a_start_that_was_killed_before_its_first_line_goes_on(world: World) -> None:
    open_folder(world.folder / "run")
    assert len(world.bench("empty").results) == 2


def test_a_folder_of_something_else_and_an_unknown_solver_are_refused(world: World) -> None:
    with pytest.raises(BadInput, match="nobody"):
        world.bench("nobody")
    (world.folder / "run").mkdir(exist_ok=True)
    (world.folder / "run" / "thesis.txt").write_text("x")
    with pytest.raises(BadInput, match="is not empty"):
        world.bench("empty")
