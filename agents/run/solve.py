"""`solve run`: an issue and a repository in, a verdict out."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agents.repair.solver import RepairSolver
from agents.run.advisor import advisor, spent
from agents.run.baseline import based, by_example, said
from agents.run.outcome import Outcome
from agents.run.prepare import Prepared, Request, line, prepare
from agents.run.shown import counted
from agents.run.team import adviser, find_solver
from agents.run.trials import Trials, keep_logs
from sandbox.testlog import TestReport, file_name
from tasks.event import Event, Tell
from tasks.limits import Allowance, Budget
from tasks.rundir import RunDir
from tasks.solvers import EmptySolver, Site, Solver
from tasks.task import Attempt, total
from tasks.verdict import Showing, Trial, find_showing, judge

SOLVERS: dict[str, Callable[[], Solver]] = {"repair": RepairSolver, "empty": EmptySolver}


def solve(request: Request, run: RunDir, scratch: Path, budget: Budget, tell: Tell) -> Outcome:
    """Everything from the issue to the verdict; each piece is in the run's folder as soon as it is known.

    Raises:
        BadInput: something asked for cannot be used.
        SandboxError: the machine, not the patch, is at fault.
    """
    started = time.monotonic()
    solver = find_solver(request.model, request.choices, budget.allowance, SOLVERS, request.cache, request.environment)
    model = adviser(request.model, request.choices, SOLVERS, request.environment)
    with advisor(model, run, budget, request.cache, request.environment, line(tell, "image")) as advise:
        prepared = prepare(request, run, scratch, tell, advise)
    ready = time.monotonic() - started
    attempt, trial = work(prepared, solver, run, budget, request.seconds, tell)
    attempt = replace(attempt, cost=total([attempt.cost, spent(model, run)]))
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
    if not (showing.ids and showing.named):
        prepared, base, showing = by_example(prepared, base, showing, run, tell)
    tell(Event("baseline", said(base[0], showing), data={"showing": list(showing.ids)}))
    tell(Event("plan", plan(solver, base[0], showing, prepared.check.scope)))
    trials = Trials(prepared, base, showing, run, tell)
    attempt = attempted(solver, trials, budget.child(Allowance(seconds=seconds)))
    return attempt, trials.of(attempt)


def plan(solver: Solver, base: TestReport, showing: Showing, scope: str) -> str:
    guards = len(base.ids("passed"))
    files = sorted({file_name(name) for name in showing.ids})
    goal = (
        f"make {counted(len(showing.ids), 'test')} of {', '.join(files)} pass"
        if files
        else "find what the issue asks for"
    )
    return f"{solver.name}: {goal}, keep {guards} passing ({scope})"


def attempted(solver: Solver, trials: Trials, budget: Budget) -> Attempt:
    """What the solver delivers. Its best patch so far is on disk at every moment, whatever ends the run."""
    prepared, run = trials.prepared, trials.run

    def offer(patch: bytes) -> None:
        run.write("patch.diff", patch)

    site = Site(
        open=prepared.check.open,
        tree=prepared.workspace.folder,
        patch=prepared.workspace.patch_from_files,
        baseline=trials.base[0],
        showing=trials.showing.ids,
        test_command=prepared.check.command,
        budget=budget,
        tell=trials.tell,
        offer=offer,
        verdict=trials.verdict,
        folder=run.path / "solver",
        selection=prepared.check.selection,
    )
    attempt = solver.solve(prepared.task, site)
    run.write("patch.diff", attempt.patch)
    trials.tell(Event("test", attempt.reason or attempt.ended, data={"ended": attempt.ended}))
    return attempt
