"""A solver of a benchmark row starts with what the issue itself shows on the base, and with nothing of the answer."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from git_repositories import repository
from local_site import CODE, TEST, local_image

from agents.repair.solver import RepairSolver
from agents.run.row_base import with_base
from sandbox.local import LocalSandbox
from sandbox.testlog import TestReport
from sandbox.workspace import Workspace, open_workspace
from tasks.event import silent
from tasks.harness import Harness, whole_names
from tasks.limits import Allowance, Budget
from tasks.solvers import Site
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Verdict

HARNESS = Harness("python -m pytest -rA -p no:cacheprovider", ("hidden/test_x.py",), whole_names, structured=True)
SHOWN = "```python\nfrom shapes import area\n\n\ndef test_area():\n    assert area(2, 3) == 6\n```\n"


@dataclass(frozen=True)
class Place:
    workspace: Workspace
    site: Site

    def based(self, body: str, harness: Harness = HARNESS) -> tuple[Task, Site]:
        return with_base(Task("t", "r", "c", Issue("Wrong area", body)), self.site, self.workspace, harness)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    files = {"shapes.py": CODE.encode(), "tests/test_shapes.py": TEST.encode()}
    workspace = open_workspace(str(repository(tmp_path / "origin", files)), None, tmp_path / "tree", tell=print)
    image = local_image(workspace.folder, tmp_path)
    bare = Site(
        open=lambda: LocalSandbox(image),
        tree=workspace.folder,
        patch=workspace.patch_from_files,
        baseline=TestReport("", 0, 0.0, problem="not run"),
        showing=(),
        test_command="",
        budget=Budget(Allowance(seconds=60.0)),
        tell=silent,
        offer=lambda patch: None,
        verdict=lambda attempt: Verdict("unreproduced", "not asked for"),
        folder=tmp_path / "run",
    )
    return Place(workspace, bare)


@pytest.mark.slow
def test_repair_solves_a_row_whose_issue_shows_a_test(place: Place) -> None:
    task, site = place.based(SHOWN)
    assert [name.split("::")[1] for name in site.showing] == ["test_area"]
    assert site.baseline.ids("passed") == {"tests/test_shapes.py::test_unit"}
    attempt = RepairSolver().solve(task, site)
    assert b"width * height" in attempt.patch
    assert site.verdict(attempt).verdict == "verified"
    assert site.verdict(Attempt(b"", "gave_up")).verdict == "no_patch"


@pytest.mark.parametrize(
    ("body", "structured", "why"),
    [
        ("nothing to run", True, "the issue names no test"),
        (SHOWN, False, "this runner is not read test by test"),
        ("```python\n# shapes.py\ndef test_a():\n    pass\n```\n", True, "the issue names no test"),
    ],
)
def test_a_row_that_shows_nothing_starts_without_a_base(place: Place, body: str, structured: bool, why: str) -> None:
    task, site = place.based(body, Harness("bin/test", (), whole_names, structured=structured))
    assert (task.tests, site.showing) == ((), ())
    assert why in site.baseline.problem
    assert site.test_command == "bin/test"


@pytest.mark.slow
def test_hidden_tests_are_neither_run_nor_named(place: Place) -> None:
    task, site = place.based(SHOWN)
    assert "hidden" not in repr(task) + repr(site.selection) + site.baseline.command
