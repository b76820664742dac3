"""From what was asked to what can be worked on: issue, base tree, image, and how the tree is tested."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from agents.run.team import Choices
from sandbox import open_sandbox
from sandbox.api import BadInput, Owner
from sandbox.delivery import check_apply, check_branch
from sandbox.discovery.advice import Advise
from sandbox.discovery.detect import detect
from sandbox.discovery.overrides import Overrides
from sandbox.settle import settle
from sandbox.workspace import Workspace, open_workspace
from tasks.event import Event, Stage, Tell
from tasks.issue import read_issue
from tasks.rundir import BASE, ISSUE, RunDir
from tasks.showing import showing_tests
from tasks.task import Issue, Task
from tasks.verify import Check, with_tests

ISSUES = TypeAdapter(Issue)
TEST_SECONDS = 300.0  # one run of the tests


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked on the command line."""

    repository: str
    issue: str
    revision: str | None
    model: str
    sandbox: str
    said: Overrides  # of how the repository is built and tested, in place of what its files say
    choices: Choices
    seconds: float  # that the solver may take
    apply: bool  # what is to become of a verified patch: to the worktree,
    branch: str | None  # or as a commit on a new branch
    mirrors: Path | None
    cache: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Prepared:
    task: Task
    workspace: Workspace
    check: Check


def prepare(request: Request, run: RunDir, scratch: Path, tell: Tell, advise: Advise | None = None) -> Prepared:
    """`advise`: whom to ask where no environment whose tests start can be made without.

    Raises BadInput for what was asked, SandboxError for the machine.
    """
    issue = frozen(request, run)
    tell(Event("task", f"{issue.title} ({issue.source})", data={"title": issue.title, "source": issue.source}))
    workspace = open_workspace(
        request.repository,
        request.revision,
        scratch / "workspace",
        mirrors=request.mirrors,
        tell=line(tell, "workspace"),
        environment=request.environment,
    )
    same_base(run, workspace.base_commit)
    if request.apply:
        check_apply(request.repository)
    if request.branch:
        check_branch(request.repository, request.branch, workspace.base_commit)
    task = find_task(request, run, issue, workspace)
    data = {"base_commit": task.base_commit, "notes": list(workspace.notes)}
    tell(Event("workspace", summary(task, workspace), data=data))
    recipe = detect(workspace.folder, request.said)
    found = settle(
        workspace.folder, recipe, request.sandbox, cache=request.cache, tell=line(tell, "image"), advise=advise
    )
    image, recipe, command = found.image, found.recipe, found.recipe.test_command
    tell(Event("image", f"{recipe.language}, {recipe.backend or 'nothing to build'}, tested by `{command}`"))
    owner = Owner(run.path.name, task.id)
    check = Check(lambda: open_sandbox(image, owner=owner), command, (), "the whole suite", TEST_SECONDS)
    return Prepared(task, workspace, with_tests(check, task.tests))


def frozen(request: Request, run: RunDir) -> Issue:
    """The issue as of the first time that this run was asked for; what goes on does not read it again."""
    kept = run.path / ISSUE
    if kept.is_file():
        return ISSUES.validate_json(kept.read_bytes())
    issue = read_issue(request.issue, stdin=sys.stdin, environment=request.environment)
    run.write(ISSUE, ISSUES.dump_json(issue))
    run.write("issue.md", issue.text().encode("utf-8", "replace"))
    return issue


def same_base(run: RunDir, commit: str) -> None:
    """What was found out about one tree says nothing about another. Raises BadInput: it is another."""
    kept = run.path / BASE
    if kept.is_file() and kept.read_text() != commit:
        raise BadInput(f"the repository changed since the run in {run.path} began: give another folder with --out")
    run.write(BASE, commit.encode())


def find_task(request: Request, run: RunDir, issue: Issue, workspace: Workspace) -> Task:
    tests = showing_tests(issue, workspace.paths)
    return Task(run.path.name, request.repository, workspace.base_commit, issue, tests)


def summary(task: Task, workspace: Workspace) -> str:
    tests = f", {len(task.tests)} test file with the issue" if task.tests else ""
    notes = "".join(f"; {note}" for note in workspace.notes)
    return f"{len(workspace.paths)} files at {task.base_commit[:12]}{tests}{notes}"


def line(tell: Tell, stage: Stage) -> Callable[[str], None]:
    """What the sandbox room tells as lines, as events of a stage."""
    return lambda text: tell(Event(stage, text))
