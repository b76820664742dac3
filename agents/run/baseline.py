"""What the base does before anybody works on it, and which tests show the issue there."""

from dataclasses import replace

from agents.run.prepare import Prepared
from agents.run.shown import counted
from agents.run.trials import keep_logs
from sandbox.api import BadInput
from sandbox.testlog import TestReport
from tasks.event import Event, Tell
from tasks.example import ENDS_OTHERWISE, example_tests
from tasks.neighbourhood import neighbourhood
from tasks.rundir import RunDir
from tasks.verdict import Showing, find_showing
from tasks.verify import TooSlow, run_base, with_tests

Base = tuple[TestReport, TestReport]


def based(prepared: Prepared, tell: Tell) -> tuple[Prepared, Base]:
    """The base runs, of the whole suite where it ends in time, else of the files nearest to the issue."""
    try:
        return prepared, run_base(prepared.check, tell)
    except TooSlow:
        task, workspace = prepared.task, prepared.workspace
        files = neighbourhood(workspace.folder, sorted(workspace.paths), task.tests, task.issue)
        if not files or prepared.check.selection or not prepared.check.takes_files:
            raise
        scope = f"{len(files)} test files near the issue, as the whole suite takes over {prepared.check.timeout:.0f} s"
        tell(Event("baseline", scope))
        prepared = replace(prepared, check=replace(prepared.check, selection=files, scope=scope))
        return prepared, run_base(prepared.check, tell)


def by_example(
    prepared: Prepared, base: Base, showing: Showing, run: RunDir, tell: Tell
) -> tuple[Prepared, Base, Showing]:
    """Where the issue names no test, its own example shows it, if the harness sees the example fail on the base."""
    before = prepared, base, showing
    check, task = prepared.check, prepared.task
    tests = example_tests(task.issue, prepared.workspace.paths)
    if task.tests or not tests or not check.takes_files:
        return before
    tell(Event("baseline", f"{counted(len(tests), 'example')} in the issue: trying if the base fails it"))
    check = with_tests(check, tests)
    try:
        alone = run_base(replace(check, selection=tuple(test.path for test in tests)), tell)
        if not find_showing(alone, tests, task.issue).ids:
            tell(Event("baseline", f"{unshown(alone[0])}: it shows nothing"))
            return before
        base = run_base(check, tell)
    except BadInput as problem:  # the example is at fault: without it the base ran
        tell(Event("baseline", f"the example in the issue shows nothing: {problem}"))
        return before
    keep_logs(run, "base", base)
    prepared = replace(prepared, task=replace(task, tests=tests), check=check)
    return prepared, base, find_showing(base, tests, task.issue)


def unshown(report: TestReport) -> str:
    """Why no example failed as the issue says."""
    found = (ENDS_OTHERWISE.search(case.message) for case in report.cases.values())
    return next((other[0] for other in found if other), "the example in the issue does not fail here")


def said(base: TestReport, showing: Showing) -> str:
    passing, failing = len(base.ids("passed")), len(base.ids("failed", "error"))
    tests = counted(len(base.cases), "test")
    return f"{tests}: {passing} pass, {failing} fail, {len(showing.ids)} to show the issue"
