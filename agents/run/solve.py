"""`solve run`: an issue and a repository in, a verdict out."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agents.repair.solver import RepairSolver
from agents.run.outcome import Outcome
from agents.run.prepare import Prepared, Request, prepare
from agents.run.team import find_solver
from sandbox.api import BadInput
from sandbox.testlog import TestReport
from tasks.event import Event, Tell
from tasks.limits import Allowance, Budget
from tasks.neighbourhood import neighbourhood
from tasks.rundir import RunDir
from tasks.solvers import EmptySolver, Site, Solver
from tasks.task import Attempt
from tasks.verdict import Showing, Trial, find_showing, judge
from tasks.verify import TooSlow, run_base, run_patched, with_tests

SOLVERS: dict[str, Callable[[], Solver]] = {"repair": RepairSolver, "empty": EmptySolver}


def solve(request: Request, run: RunDir, scratch: Path, budget: Budget, tell: Tell) -> Outcome:
    """Everything from the issue to the verdict; each piece is in the run's folder as soon as it is known.

    Raises:
        BadInput: something asked for cannot be used.
        SandboxError: the machine, not the patch, is at fault.
    """
    started = time.monotonic()
    solver = find_solver(request.model, request.choices, budget.allowance, SOLVERS, request.cache, request.environment)
    prepared = prepare(request, run, scratch, tell)
    ready = time.monotonic() - started
    attempt, trial = work(prepared, solver, run, budget, request.seconds, tell)
    verdict = judge(trial)
    tell(Event("verdict", verdict.verdict, data={"headline": verdict.headline}))
    seconds = time.monotonic() - started
    return Outcome(prepared.task, attempt, trial, verdict, run.path, seconds, ready, solver.name, request.sandbox)


def work(
    prepared: Prepared, solver: Solver, run: RunDir, budget: Budget, seconds: float, tell: Tell
) -> tuple[Attempt, Trial]:
    """Base, solver, patch: what the verdict rests on. The showing tests are frozen before the solver starts.

    `seconds` is what the solver alone may take: how long an environment takes to build is not its fault.
    """
    prepared, base = based(prepared, tell)
    keep_logs(run, "base", base)
    showing = find_showing(base, prepared.task.tests, prepared.task.issue)
    tell(Event("baseline", said(base[0], showing), data={"showing": list(showing.ids)}))
    tell(Event("plan", plan(solver, base[0], showing, prepared.check.scope)))
    attempt = attempted(solver, prepared, base[0], showing, run, budget.child(Allowance(seconds=seconds)), tell)
    if attempt.tests and not showing.ids:
        prepared, base, showing = shown_by_solver(prepared, attempt, run, tell)
    trial = tried(prepared, attempt, base, showing, tell)
    keep_logs(run, "patch", trial.patched)
    return attempt, trial


def based(prepared: Prepared, tell: Tell) -> tuple[Prepared, tuple[TestReport, TestReport]]:
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


def shown_by_solver(
    prepared: Prepared, attempt: Attempt, run: RunDir, tell: Tell
) -> tuple[Prepared, tuple[TestReport, TestReport], Showing]:
    """Where nothing showed the issue before: the tests that the solver wrote count if the harness sees them fail."""
    check = with_tests(prepared.check, attempt.tests)
    try:
        base = run_base(check, tell)
    except BadInput as error:  # the solver's test is at fault: without it the base ran
        tell(Event("verify", f"the solver's own test shows nothing: {error}"))
        base = run_base(prepared.check, tell)
        return prepared, base, Showing((), "model")
    keep_logs(run, "base-with-tests", base)
    return replace(prepared, check=check), base, find_showing(base, attempt.tests, prepared.task.issue)


def plan(solver: Solver, base: TestReport, showing: Showing, scope: str) -> str:
    guards = len(base.ids("passed"))
    files = sorted({name.split("::")[0] for name in showing.ids})
    goal = f"make {len(showing.ids)} tests of {', '.join(files)} pass" if files else "find what the issue asks for"
    return f"{solver.name}: {goal}, keep {guards} passing ({scope})"


def attempted(
    solver: Solver, prepared: Prepared, base: TestReport, showing: Showing, run: RunDir, budget: Budget, tell: Tell
) -> Attempt:
    """What the solver delivers. Its best patch so far is on disk at every moment, whatever ends the run."""

    def offer(patch: bytes) -> None:
        run.write("patch.diff", patch)

    site = Site(
        open=prepared.check.open,
        tree=prepared.workspace.folder,
        patch=prepared.workspace.patch_from_files,
        baseline=base,
        showing=showing.ids,
        test_command=prepared.check.command,
        budget=budget,
        tell=tell,
        offer=offer,
        folder=run.path / "solver",
    )
    attempt = solver.solve(prepared.task, site)
    run.write("patch.diff", attempt.patch)
    tell(Event("test", attempt.reason or attempt.ended, data={"ended": attempt.ended}))
    return attempt


def tried(prepared: Prepared, attempt: Attempt, base: tuple[TestReport, ...], showing: Showing, tell: Tell) -> Trial:
    """What the verdict rests on: the patch run in a fresh sandbox, unless there is none."""
    scope = prepared.check.scope
    if not attempt.patch:
        return Trial(b"", showing, scope, base)
    changes = prepared.workspace.changes(attempt.patch)
    patched = run_patched(prepared.check, changes, base, showing.ids, tell)
    return Trial(attempt.patch, showing, scope, base, patched.runs, patched.restored)


def said(base: TestReport, showing: Showing) -> str:
    failing = len(base.ids("failed", "error"))
    return f"{len(base.cases)} tests: {len(base.ids('passed'))} pass, {failing} fail, {len(showing.ids)} show the issue"


def keep_logs(run: RunDir, name: str, reports: tuple[TestReport, ...]) -> None:
    for number, report in enumerate(reports, 1):
        end = f"[exit status {report.exit_code}, {report.seconds:.1f} s] {report.problem}"
        text = f"$ {report.command}\n{report.log}\n{end}\n"
        run.write(f"logs/{name}-{number}.txt", text.encode("utf-8", "replace"))
