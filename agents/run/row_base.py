"""What a solver may know of a benchmark row's base before it starts: the tests near the issue, run there.

The whole suite of a row may take hours, and which of its tests are hidden nobody may know. So what is run is what the
issue itself shows or names; a row whose issue does neither starts without a run of its base, and its solver knows that.
"""

from dataclasses import replace

from sandbox.api import BadInput
from sandbox.testlog import TestReport
from sandbox.workspace import Workspace
from tasks.harness import Harness
from tasks.neighbourhood import neighbourhood
from tasks.showing import showing_tests
from tasks.solvers import Site
from tasks.task import Attempt, Task, TestFile
from tasks.verdict import Trial, Verdict, find_showing, judge
from tasks.verify import Check, run_base, run_patched, with_tests

SECONDS = 300.0  # for one run


def with_base(task: Task, site: Site, workspace: Workspace, harness: Harness) -> tuple[Task, Site]:
    """The task with the tests that its issue shows, and the site with what they and their neighbours do on the base.

    Raises:
        SandboxUnavailable: the machine is gone.
    """
    tests = _shown(task, workspace)
    files = neighbourhood(workspace.folder, sorted(workspace.paths), tests, task.issue)
    if not files or not harness.structured:
        why = "the issue names no test" if harness.structured else "this runner is not read test by test"
        return task, _without(site, harness, f"the row's base is not run beforehand: {why}")
    near = tuple(file for file in files if file not in {test.path for test in tests})
    scope = f"{len(files)} test files near the issue"
    check = with_tests(Check(site.open, harness.command, near, scope, SECONDS), tests)
    if not near:
        check = replace(check, selection=files)
    try:
        base = run_base(check, site.tell)
    except BadInput as problem:  # too slow, or what the issue shows is no test: the row is as good as before
        return task, _without(site, harness, str(problem))
    showing = find_showing(base, tests, task.issue)

    def verdict(attempt: Attempt) -> Verdict:
        if not attempt.patch:
            return judge(Trial(b"", showing, scope, base))
        patched = run_patched(check, workspace.changes(attempt.patch), base, showing.ids, site.tell)
        return judge(Trial(attempt.patch, showing, scope, base, patched.runs, patched.restored))

    known = replace(
        site,
        open=check.open,
        test_command=harness.command,
        baseline=base[0],
        showing=showing.ids,
        selection=check.selection,
        verdict=verdict,
    )
    return replace(task, tests=tests), known


def _shown(task: Task, workspace: Workspace) -> tuple[TestFile, ...]:
    try:
        return showing_tests(task.issue, workspace.paths)
    except BadInput:  # a benchmark's issue is nobody's to mend: a block that names a file of the tree shows nothing
        return ()


def _without(site: Site, harness: Harness, why: str) -> Site:
    return replace(site, test_command=harness.command, baseline=TestReport(harness.command, 0, 0.0, problem=why))
