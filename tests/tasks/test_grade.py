"""The same verdict is never worked out twice, a stale one never used, and a failed machine never blamed on a patch."""

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.api import BadInput, BuildFailed, Image, Sandbox, SandboxUnavailable
from tasks.batch import run_batch
from tasks.environment import Place, image_names, place
from tasks.evaluate import PROGRAMS, ROOMS, beside, grader, guard
from tasks.grade import Cache, Graded, Grader, cache_key
from tasks.harness import Harness, whole_names
from tasks.image_settings import Settings
from tasks.load import load
from tasks.predictions import read_predictions
from tasks.row import Row, Setup, reversed_patch
from tasks.score import Score
from tasks.suite import Validation, write_suite
from tasks.task import Answer, Issue, Task

ROW = Row(
    Task("org__calc-1", "org/calc", "a" * 40, Issue("wrong", "sum")),
    Answer(b"fix", b"diff --git a/tests/test_a.py b/tests/test_a.py\n", ("t::a",), ("t::b",)),
    Setup("1.0"),
)
PLACE = Place(
    Image("docker", "sha256:1", "/testbed"), Harness("pytest", ("t.py",), whole_names, structured=True), "named"
)


def test_a_verdict_is_keyed_by_all_that_decides_it() -> None:
    other = [
        cache_key(replace(ROW, answer=replace(ROW.answer, test_patch=b"x")), b"p", PLACE),
        cache_key(replace(ROW, answer=replace(ROW.answer, pass_to_pass=())), b"p", PLACE),
        cache_key(ROW, b"q", PLACE),
        cache_key(ROW, b"p", replace(PLACE, image=Image("docker", "sha256:2", "/testbed"))),
        cache_key(ROW, b"p", replace(PLACE, harness=replace(PLACE.harness, command="pytest -x"))),
        cache_key(ROW, b"p", PLACE),
    ]
    assert len(set(other)) == 6
    assert cache_key(ROW, b"p", PLACE) == other[-1]


def test_every_program_that_has_a_say_is_in_the_graders_name() -> None:
    """A verdict that an older rule made is never used again, and nobody has to remember to say so."""
    data = {"tasks/task.py", "tasks/row.py"}
    waiting, seen = ["tasks/evaluate.py", "tasks/score.py", "tasks/flags.py", "tasks/specs.py"], set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        imported = re.findall(r"^from tasks\.(\w+) import", (ROOMS / name).read_text(), re.MULTILINE)
        waiting += [path for module in imported if (path := f"tasks/{module}.py") not in seen]
    assert seen - data <= set(PROGRAMS)
    assert {"sandbox/testlog.py", "sandbox/inside/solve_report.py", "tasks/inside/apply.sh"} <= set(PROGRAMS)
    assert len(grader()) == 12


class Engine:
    """Counts how often a container is asked for, and has none."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, image: Image, task: str) -> Sandbox:
        self.asked.append(task)
        raise SandboxUnavailable("the engine is gone\nand more")


def test_a_failed_machine_is_no_verdict_and_is_not_remembered(tmp_path: Path) -> None:
    engine = Engine()
    grader = Grader(lambda row: PLACE, engine, Cache(tmp_path))
    for _ in range(2):
        found = grader.grade(ROW, b"p").score
        assert (found.outcome, found.reason) == ("infra_error", "the engine is gone")
    assert len(engine.asked) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_row_without_a_place_is_infrastructure() -> None:
    def nowhere(row: Row) -> Place:
        raise BadInput("no image")

    assert Grader(nowhere, Engine(), None).grade(ROW, b"p").score.outcome == "infra_error"


PIP = """
  error: subprocess-exited-with-error
  × python setup.py egg_info did not run successfully.
      raise RuntimeError("no numpy")
  RuntimeError: no numpy
  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed
"""


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (BuildFailed("project", PIP), "project failed: RuntimeError: no numpy"),
        (BuildFailed("project", "one\ntwo\n"), "project failed: two"),
        (BuildFailed("project", ""), "project failed: it printed nothing"),
        (BadInput("no file\nand more"), "no file"),
    ],
)
def test_a_row_that_cannot_be_built_says_why(problem: Exception, line: str) -> None:
    def broken(row: Row) -> Place:
        raise problem

    found = Grader(broken, Engine(), None).grade(ROW, b"p")
    assert (found.score.reason, found.log) == (line, str(problem))


def test_a_kept_verdict_needs_no_container_unless_it_is_asked_anew(tmp_path: Path) -> None:
    engine, cache = Engine(), Cache(tmp_path)
    kept = Graded(
        Score("resolved", fail_to_pass={"t::a": "passed"}, flagged=("edits tests",)), "sha256:1", {"tests": 1.5}, "log"
    )
    cache.put(cache_key(ROW, b"p", PLACE), kept)
    assert Grader(lambda row: PLACE, engine, cache).grade(ROW, b"p") == replace(kept, cached=True)
    assert engine.asked == []
    assert Grader(lambda row: PLACE, engine, cache, fresh=True).grade(ROW, b"p").score.outcome == "infra_error"


def test_a_damaged_verdict_is_worked_out_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (tmp_path / "key.json").write_text('{"score": {"outcome": "sure"}}')
    assert cache.get("key") is None


def test_what_must_stand_as_on_the_base() -> None:
    answer = Answer(
        b"diff --git a/conftest.py b/conftest.py\n",
        b"diff --git a/tests/unit/test_a.py b/tests/unit/test_a.py\n",
        (),
        (),
    )
    guarded = guard(answer, "PYTHONWARNINGS=ignore bin/test -C ./tests/runtests.py")
    standing = ["tests", "tests/unit", "tests/unit/test_a.py", "tox.ini", "bin/test", "tests/runtests.py"]
    assert [path for path in standing if not guarded(path)] == []
    assert [path for path in ("conftest.py", "calc.py", "tests/unit/test_b.py", "te") if guarded(path)] == []


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["tests/roots/target.py", "tests/test_a.py"], "tests/test_x.py"),
        (["tests/unittest_misc.py"], "tests/test_x.py"),
        (["tests"], "tests/test_x.py"),
        (["test_a.py::test_b"], "test_x.py"),
    ],
)
def test_the_canary_stands_beside_a_test(files: Sequence[str], name: str) -> None:
    assert beside(files) == name


def test_a_batch_keeps_what_was_done_before_an_error() -> None:
    kept: list[int] = []
    started = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            started.wait(5)
            raise RuntimeError("stop")
        started.set()
        return item

    with pytest.raises(RuntimeError, match="stop"):
        run_batch([0, 1, *range(2, 50)], work, kept.append, jobs=2)
    assert 0 in kept


def test_a_batch_does_all(tmp_path: Path) -> None:
    kept: list[int] = []
    run_batch(list(range(20)), lambda item: item * item, kept.append, jobs=3)
    assert sorted(kept) == [item * item for item in range(20)]


def test_predictions_of_one_model_are_counted(tmp_path: Path) -> None:
    rows = [
        {"instance_id": "a", "model_name_or_path": "m", "model_patch": "p1", "official_resolved": True},
        {"instance_id": "a", "model_name_or_path": "m", "model_patch": None},
        {"instance_id": "b", "model_name_or_path": "m", "model_patch": "p3"},
    ]
    path = tmp_path / "preds.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = [(item.instance_id, item.run, item.patch, item.published) for item in read_predictions(str(path))]
    assert found == [("a", 1, b"p1", True), ("a", 2, b"", None), ("b", 1, b"p3", None)]
    path.write_text(json.dumps({"instance_id": "a", "model_patch": "+half \ud800"}) + "\n")
    assert read_predictions(str(path))[0].patch == b"+half ?"
    by_id = tmp_path / "preds.json"
    by_id.write_text(json.dumps({row["model_patch"] or "x": row for row in rows}))
    assert len(read_predictions(str(by_id))) == 3
    path.write_text('{"model_patch": "p"}\n')
    with pytest.raises(BadInput, match=r"prediction 1 has no instance_id: .* instance_id, .*, model_patch"):
        read_predictions(str(path))


def test_a_prediction_without_its_column_is_no_empty_patch(tmp_path: Path) -> None:
    path = tmp_path / "preds.jsonl"
    path.write_text('{"instance_id": "a", "model_patch": null}\n{"instance_id": "a", "diff": "p", "patch": "p"}\n')
    with pytest.raises(BadInput, match="prediction 2 has no model_patch: "):
        read_predictions(str(path))


RESOLVED, FAILED, MACHINE = (
    Score("resolved"),
    Score("unresolved", "tests_failed", "t::a failed"),
    Score("infra_error", "infra", "gone"),
)


@pytest.mark.parametrize(
    ("gold", "empty", "verdict", "reason"),
    [
        ((RESOLVED, RESOLVED), FAILED, "valid", ""),
        ((RESOLVED, FAILED), FAILED, "flaky", "the answer is resolved in 1 of 2 runs, the empty patch in 0 of 1"),
        ((FAILED,), FAILED, "invalid", "the answer is unresolved (tests_failed): t::a failed"),
        ((RESOLVED,), RESOLVED, "invalid", "the empty patch is resolved"),
        ((RESOLVED, MACHINE), FAILED, "unknown", "gone"),
    ],
)
def test_a_row_is_valid_if_the_answer_and_nothing_else_solves_it(
    gold: tuple[Score, ...], empty: Score, verdict: str, reason: str
) -> None:
    found = Validation(ROW, gold, (empty,))
    assert (found.verdict, found.reason) == (verdict, reason)


def test_an_empty_patch_that_solves_it_now_and_then_is_flaky() -> None:
    assert Validation(ROW, (RESOLVED, RESOLVED), (FAILED, RESOLVED)).verdict == "flaky"


def test_nobody_publishes_images_of_rows_that_were_mined_here() -> None:
    task = replace(ROW.task, id="org__calc-g0123456789ab")
    assert image_names(replace(ROW, task=task)) == []
    released = replace(ROW.task, repository="pypi:calc==1.0#sha256=" + "0" * 64)
    assert image_names(replace(ROW, task=released)) == []


def test_valid_rows_are_a_suite_again(tmp_path: Path) -> None:
    other = replace(ROW, task=replace(ROW.task, id="org__calc-2"))
    bad = replace(ROW, task=replace(ROW.task, id="org__calc-3"))
    path = tmp_path / "suite.jsonl"
    validations = [
        Validation(ROW, (RESOLVED,), (FAILED,)),
        Validation(other, (RESOLVED, FAILED), (FAILED,)),
        Validation(bad, (FAILED,), (FAILED,)),
    ]
    assert write_suite(path, validations) == 2
    rows = load(str(path)).rows
    assert [(row.task.id, row.flaky) for row in rows] == [("org__calc-1", False), ("org__calc-2", True)]
    assert rows[0].answer == ROW.answer
    assert rows[0].task.issue.text().split() == ROW.task.issue.text().split()


def test_a_valid_row_with_a_planted_bug_still_asks_to_mend_it(tmp_path: Path) -> None:
    bug = b"diff --git a/calc.py b/calc.py\n--- a/calc.py\n+++ b/calc.py\n@@ -1 +1 @@\n-good\n+bug\n"
    setup = Setup(image="swesmith/calc", base_patch=bug)
    smith = replace(
        ROW, task=replace(ROW.task, base_commit=""), setup=setup, answer=replace(ROW.answer, patch=reversed_patch(bug))
    )
    write_suite(tmp_path / "suite.jsonl", [Validation(smith, (RESOLVED,), (FAILED,))])
    (again,) = load(str(tmp_path / "suite.jsonl")).rows
    assert (again.setup, again.answer) == (setup, smith.answer)


def test_swebenchs_own_images_are_looked_for_by_name() -> None:
    named = replace(ROW, setup=replace(ROW.setup, image="org/image:1"))
    published = ["swebench/sweb.eval.x86_64.org_1776_calc-1:latest", "xingyaoww/sweb.eval.x86_64.org_s_calc-1:latest"]
    assert image_names(named) == ["org/image:1", *published]
    assert Settings("solve/python:{python}", None, Path(), None).base.format(python="3.9") == "solve/python:3.9"


def test_a_harbor_task_is_refused_and_not_misjudged(tmp_path: Path) -> None:
    row = replace(ROW, setup=Setup(image="org/image:1", folder=tmp_path))
    with pytest.raises(BadInput, match="load, but are not graded"):
        place(row, Settings("", None, tmp_path, None))
