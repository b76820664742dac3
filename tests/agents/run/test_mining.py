"""From a change to a validated row, by the same runs that grade patches; whose fault a failure is stays known."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from git_repositories import commit, git, write
from local_site import local_image

from agents.run.door import at_the_door
from agents.run.mine import app
from agents.run.mining import Bench, Make, Mine
from sandbox.api import BuildFailed, Image, NetworkUnavailable, Sandbox
from sandbox.git import HostGit
from sandbox.local import LocalSandbox
from tasks.environment import Place
from tasks.grade import Grader
from tasks.load import load
from tasks.mine import history
from tasks.mine.candidate import Candidate
from tasks.mine.harvest import Harvest
from tasks.parts import Parts
from tasks.row import Row
from tasks.specs import harness
from tasks.task import Issue

BUG = b"def area(a, b):\n    return a + b\n"
FIX = b"def area(a, b):\n    return a * b\n"
OLD = b"from shapes import area\n\n\ndef test_unit():\n    assert area(2, 2) == 4\n"
NEW = OLD + b"\n\ndef test_area():\n    assert area(2, 3) == 6\n"


def bench(place: Callable[[Row], Place], opened: Callable[[Image, str], Sandbox]) -> Bench:
    return Bench(place, opened, Grader(place, opened, None), Grader(place, opened, None, fresh=True), 2)


def mine(folder: Path, bench: Bench, rows: int, changes: Iterator[tuple[str, Make]]) -> list[str]:
    told: list[str] = []
    with closing(Harvest(folder)) as harvest, closing(bench):
        Mine(harvest, bench, rows, 1, lambda candidate, row: candidate.issue, told.append).run(changes)
        return [f"{seen.stage} {seen.why}".strip() for seen in harvest.lines.values()]


@pytest.mark.slow
def test_a_commit_becomes_a_row_that_any_harness_can_read(tmp_path: Path) -> None:
    repository = tmp_path / "shapes"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    write(repository, {"shapes.py": BUG, "tests/test_shapes.py": OLD})
    base = commit(repository, "begin")
    image = local_image(checkout(repository, tmp_path / "base"), tmp_path)
    write(repository, {"shapes.py": FIX, "tests/test_shapes.py": NEW})
    commit(repository, "Multiply the sides\n\nThe area of 2 by 3 was 5.")

    def place(row: Row) -> Place:
        return Place(image, harness(row, f"{sys.executable} -m pytest"), "detected")

    found = HostGit(repository / ".git")
    changes = [
        (history.name_of("org/shapes", step.commit), partial(history.candidate, found, "org/shapes", step))
        for step in history.steps(found, "HEAD", "", 5)
    ]
    out = tmp_path / "out"
    assert mine(out, bench(place, lambda image, task: LocalSandbox(image)), 5, iter(changes)) == ["validated"]
    (row,) = load(str(out / "suite.jsonl")).rows
    assert (row.task.base_commit, row.task.repository) == (base, "org/shapes")
    assert row.answer.fail_to_pass == ("tests/test_shapes.py::test_area",)
    assert row.answer.pass_to_pass == ("tests/test_shapes.py::test_unit",)
    assert row.task.issue.text().split("\n")[0] == "Multiply the sides"
    assert row.created


def checkout(repository: Path, folder: Path) -> Path:
    git(repository, "clone", "-q", str(repository), str(folder))
    return folder


def candidate(number: int, content: str = "") -> Candidate:
    patch = f"--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+{content or number}\n".encode()
    parts = Parts(patch, b"t", ("a.py",), ("t.py",))
    return Candidate(f"org__calc-g{number:012}", "org/calc", "", parts, Issue("t", ""), "2026")


def test_a_machines_failure_is_tried_again_and_a_rows_own_is_not(tmp_path: Path) -> None:
    failures: list[Exception] = [NetworkUnavailable("no index"), BuildFailed("repository", "error: no compiler")]
    asked: list[str] = []

    def place(row: Row) -> Place:
        asked.append(row.task.id)
        raise failures[int(row.task.id[-1])]

    def changes() -> Iterator[tuple[str, Make]]:
        for number in (0, 1):
            made = candidate(number)
            yield made.id, lambda made=made: made  # type: ignore[misc]
        twice = candidate(5, content="1")
        yield twice.id, lambda: twice
        yield "none", lambda: "too large"

    def unopened(image: Image, task: str) -> Sandbox:
        raise AssertionError("nothing is opened where there is no image")

    told = ["seen duplicate", "seen too large"]
    machine, own = "candidate machine: no index", "candidate environment: repository failed: error: no compiler"
    for _ in range(2):
        lines = mine(tmp_path, bench(place, unopened), 5, changes())
        assert sorted(lines) == sorted([machine, own, *told])
    assert [name[-1] for name in asked] == ["0", "1", "0"]


@pytest.mark.parametrize("wrong", [["--rows", "0"], ["--runs", "0"], ["--most", "-3"], ["--since", "tomorrow"]])
def test_a_yield_that_cannot_be(wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert at_the_door(partial(app, ["git", str(tmp_path), *wrong, "--out", str(out)], standalone_mode=False)) == 2
    assert wrong[1] in capsys.readouterr().err
    assert not out.exists()
