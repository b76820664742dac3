"""From prepared to tried, with local sandboxes and solvers that do what a test says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from local_site import CODE, SHOWS, TEST, local_image, project

from agents.cascade import CascadeSolver
from agents.run.baseline import based
from agents.run.prepare import Prepared
from agents.run.solve import work
from sandbox import open_sandbox
from sandbox.api import BadInput
from sandbox.git import HostGit
from sandbox.workspace import IDENTITY, open_workspace
from tasks.event import Event, silent
from tasks.limits import Budget
from tasks.rundir import RunDir
from tasks.solvers import EmptySolver, Site
from tasks.task import Attempt, Issue, Task, TestFile
from tasks.verdict import judge
from tasks.verify import Check, with_tests

SHOWING = TestFile("tests/test_area.py", SHOWS.encode(), "issue")
FILES = {"shapes.py": CODE, "tests/test_shapes.py": TEST}
FIXED = CODE.replace("+", "*").encode()


@dataclass
class Writes:
    """A solver that hands in these files, after it offered a first try."""

    files: Mapping[str, bytes | None]
    name: str = "writes"
    offered: bytes = b""

    def solve(self, task: Task, site: Site) -> Attempt:
        assert site.showing == ("tests/test_area.py::test_area",)
        site.offer(b"a first try")
        self.offered = (site.folder.parent / "patch.diff").read_bytes()
        return Attempt(site.patch(self.files), "patched")


def prepared(
    tmp_path: Path, files: Mapping[str, str] = FILES, timeout: float = 60, tests: tuple[TestFile, ...] = (SHOWING,)
) -> tuple[Prepared, RunDir]:
    tree = project(tmp_path / "repository", files)
    git = HostGit(tree / ".git", tree)
    git("init", "--quiet", "--initial-branch=main", str(tree))
    git("add", "--all")
    git("commit", "--quiet", "--message", "first", environment=IDENTITY)
    workspace = open_workspace(str(tree), None, tmp_path / "workspace", tell=lambda _: None)
    task = Task("t", str(tree), workspace.base_commit, Issue("area is wrong", ""), tests)
    run = RunDir.open(tmp_path / "run").begin()
    image = local_image(workspace.folder, tmp_path)
    command = "python -m pytest -p no:cacheprovider"
    check = Check(lambda: open_sandbox(image), command, (), "the whole suite", timeout)
    return Prepared(task, workspace, with_tests(check, task.tests)), run


def test_a_solvers_patch_is_kept_run_and_judged(tmp_path: Path) -> None:
    events: list[Event] = []
    site, run = prepared(tmp_path)
    solver = Writes({"shapes.py": FIXED})
    attempt, trial = work(site, solver, run, Budget(), 60.0, events.append)
    assert judge(trial).verdict == "verified"
    assert solver.offered == b"a first try", "what is offered is on disk at once"
    assert (run.path / "patch.diff").read_bytes() == attempt.patch
    assert sorted(path.name for path in (run.path / "logs").iterdir()) == [
        "base-1.txt", "base-2.txt", "patch-1.txt", "patch-2.txt",
    ]  # fmt: skip
    stages = [event.stage for event in events]
    assert stages.index("plan") < stages.index("test") < stages.index("verify")


@pytest.mark.slow
def test_the_plan_says_what_must_pass_and_what_is_kept(tmp_path: Path) -> None:
    events: list[Event] = []
    site, run = prepared(tmp_path)
    work(site, EmptySolver(), run, Budget(), 60.0, events.append)
    plan = next(event.text for event in events if event.stage == "plan")
    assert plan == "empty: make 1 test of tests/test_area.py pass, keep 1 passing (the whole suite)"


def test_no_patch_needs_no_run_of_it(tmp_path: Path) -> None:
    site, run = prepared(tmp_path)
    attempt, trial = work(site, EmptySolver(), run, Budget(), 60.0, silent)
    assert (judge(trial).verdict, trial.patched, attempt.patch) == ("no_patch", (), b"")


@pytest.mark.slow
def test_a_suite_that_takes_too_long_is_guarded_near_the_issue(tmp_path: Path) -> None:
    slow = {"tests/test_slow.py": "import time\n\n\ndef test_slow():\n    time.sleep(60)\n"}
    site, _ = prepared(tmp_path, {**FILES, **slow}, timeout=8)
    near, base = based(site, silent)
    assert near.check.selection == ("tests/test_area.py", "tests/test_shapes.py")
    assert "2 test files near the issue" in near.check.scope
    assert set(base[0].cases) == {"tests/test_area.py::test_area", "tests/test_shapes.py::test_unit"}


@pytest.mark.slow
def test_a_suite_that_takes_too_long_and_has_nothing_near_says_what_to_do(tmp_path: Path) -> None:
    slow = {"tests/test_slow.py": "import time\n\n\ndef test_slow():\n    time.sleep(60)\n"}
    site, _ = prepared(tmp_path, slow, timeout=2, tests=())
    with pytest.raises(BadInput, match=r"ran past its 2 s limit.*--test-command"):
        based(site, silent)


def test_a_command_that_takes_no_files_is_not_cut_down(tmp_path: Path) -> None:
    site, _ = prepared(tmp_path, timeout=1)
    with pytest.raises(BadInput, match="ran past"):
        based(replace(site, check=replace(site.check, command="sh -c 'sleep 60'")), silent)


@dataclass
class Shows:
    """A solver that writes a test of its own, where nothing showed the issue."""

    test: TestFile
    name: str = "shows"
    showing: tuple[str, ...] = ()  # what is taken to show it before

    def solve(self, task: Task, site: Site) -> Attempt:
        assert site.showing == self.showing
        return Attempt(site.patch({"shapes.py": FIXED}), "patched", tests=(self.test,))


@pytest.mark.slow
def test_a_test_that_the_solver_wrote_counts_if_the_harness_sees_it_fail(tmp_path: Path) -> None:
    site, run = prepared(tmp_path, tests=())
    _, trial = work(site, Shows(replace(SHOWING, author="model")), run, Budget(), 60.0, silent)
    verdict = judge(trial)
    assert (verdict.verdict, verdict.author) == ("verified", "model")
    assert "written by the model" in verdict.headline


@pytest.mark.slow
def test_a_test_of_the_solver_that_passes_on_the_base_shows_nothing(tmp_path: Path) -> None:
    site, run = prepared(tmp_path, tests=())
    test = TestFile("tests/test_own.py", b"def test_own():\n    pass\n", "model")
    _, trial = work(site, Shows(test), run, Budget(), 60.0, silent)
    assert judge(trial).verdict == "unreproduced"


@dataclass
class Hands:
    """A solver that hands in these files and does nothing else."""

    files: Mapping[str, bytes | None]
    name: str = "hands"

    def solve(self, task: Task, site: Site) -> Attempt:
        return Attempt(site.patch(self.files), "patched")


@pytest.mark.slow
def test_a_cascade_stops_at_the_verdict_of_the_run_itself_which_is_not_run_again(tmp_path: Path) -> None:
    events: list[Event] = []
    site, run = prepared(tmp_path)
    stages = [Hands({"shapes.py": b"def area(w, h):\n    return 0\n"}), Hands({"shapes.py": FIXED})]
    attempt, trial = work(site, CascadeSolver("climb", stages), run, Budget(), 60.0, events.append)
    assert b"*" in attempt.patch
    assert judge(trial).verdict == "verified"
    assert [event.data["verified"] for event in events if "stage" in event.data] == [False, True]
    assert sum("twice with the patch" in event.text for event in events) == 2


@pytest.mark.slow
def test_a_failing_test_that_the_issue_does_not_name_gives_way_to_the_solvers_own(tmp_path: Path) -> None:
    broken = {"tests/test_other.py": "def test_other():\n    assert False\n"}
    site, run = prepared(tmp_path, {**FILES, **broken}, tests=())
    solver = Shows(replace(SHOWING, author="model"), showing=("tests/test_other.py::test_other",))
    _, trial = work(site, solver, run, Budget(), 60.0, silent)
    assert trial.showing.ids == ("tests/test_area.py::test_area",)
    assert judge(trial).verdict == "verified"


@dataclass
class Mends:
    """A solver that knows the fix, and hears which tests show the issue."""

    name: str = "mends"
    showing: tuple[str, ...] = ()

    def solve(self, task: Task, site: Site) -> Attempt:
        self.showing = site.showing
        return Attempt(site.patch({"shapes.py": FIXED}), "patched")


EXAMPLE = "```\n>>> from shapes import area\n>>> area(2, 3)\n5\n```\nExpected: 6\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "showing", "verdict"),
    [(EXAMPLE, ("tests/test_issue.py::test_example",), "verified"), (EXAMPLE.replace("6", "5"), (), "unreproduced")],
    ids=["it fails on the base", "it does not"],
)
def test_the_issues_own_example_shows_it(body: str, showing: tuple[str, ...], verdict: str, tmp_path: Path) -> None:
    site, run = prepared(tmp_path, tests=())
    site = replace(site, task=replace(site.task, issue=Issue("area is wrong", body)))
    solver = Mends()
    _, trial = work(site, solver, run, Budget(), 60.0, silent)
    found = judge(trial)
    assert (solver.showing, found.verdict) == (showing, verdict)
    assert ("made from the issue's example" in found.headline) == bool(showing)


@pytest.mark.slow
def test_an_example_that_left_out_an_import_is_told_so(tmp_path: Path) -> None:
    site, run = prepared(tmp_path, tests=())
    body = EXAMPLE.replace(">>> from shapes import area\n", "")
    site = replace(site, task=replace(site.task, issue=Issue("area is wrong", body)))
    events: list[Event] = []
    work(site, EmptySolver(), run, Budget(), 60.0, events.append)
    assert any("ends with NameError: name 'area' is not defined" in event.text for event in events)
