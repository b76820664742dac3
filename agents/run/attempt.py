"""A solver and a row → an attempt that can be graded."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from agents.run.folders import cache_folder
from agents.run.grading import Attempted, Options, place_row
from agents.run.solve import SOLVERS
from agents.run.team import Choices, find_solver
from sandbox.api import BadInput, Owner, Sandbox, SandboxError
from sandbox.docker import DockerSandbox
from sandbox.testlog import TestReport
from sandbox.workspace import PatchRejected, open_workspace
from tasks.event import silent
from tasks.limits import Allowance, Budget, OverBudget
from tasks.load import Suite
from tasks.results import Result
from tasks.row import Row
from tasks.solvers import GoldSolver, Site, Solver
from tasks.task import Attempt
from tasks.verdict import Verdict

SECONDS = 1800.0  # for one attempt
# A row's own suite may take hours: solvers start without a run of it, and know that.
NOT_RUN = "a benchmark row's base is not run beforehand"


class Attempting:
    """Makes the attempts of one `solve bench`."""

    def __init__(self, suite: Suite, options: Options, folder: Path, dollars: float | None = None) -> None:
        """
        Raises:
            BadInput: a budget that cannot be held.
        """
        if dollars is not None and not 0 < dollars < float("inf"):
            raise BadInput(f"a budget of {dollars} dollars cannot be held: give a number above zero with --budget")
        self._budget = Budget(Allowance(dollars=None if dollars is None else Decimal(str(dollars))))
        self._suite, self._options, self._folder = suite, options, folder
        self._gold = GoldSolver({row.task.id: row.answer for row in suite.rows})

    def all(self, models: Sequence[str], runs: int) -> list[Attempted]:
        """Every solver × row × run, not yet solved.

        Raises:
            BadInput: a name means no solver, or a key or a price of its models is missing.
        """
        for model in models:
            self._solver(model)
        return [
            Attempted(row, b"", self._unsolved(row, model, run))
            for model in models
            for row in self._suite.rows
            for run in range(1, runs + 1)
        ]

    def solve(self, attempted: Attempted) -> Attempted:
        """The attempt with its patch and cost. Only the machine's failure makes it `infra_error`."""
        result, started = attempted.result, time.monotonic()
        try:
            attempt = self._solved(attempted.row, result.model_name_or_path, result.run)
        except (SandboxError, BadInput) as problem:
            attempt = Attempt(b"", "infra_error", str(problem).splitlines()[0])
        cost = attempt.cost
        update: Mapping[str, object] = {
            "model_patch": attempt.patch.decode("utf-8", "replace"),
            "ended": attempt.ended,
            "reason": attempt.reason,
            "calls": cost.calls,
            "tokens_in": cost.tokens_in,
            "tokens_cached": cost.tokens_cached,
            "tokens_out": cost.tokens_out,
            "dollars": cost.dollars,
            "seconds": round(time.monotonic() - started, 3),
            "model_seconds": cost.seconds,
        }
        return replace(attempted, patch=attempt.patch, result=result.model_copy(update=update))

    def _solved(self, row: Row, model: str, run: int) -> Attempt:
        folder = self._folder / "solver" / model / f"{row.task.id}-{run}"
        folder.mkdir(parents=True, exist_ok=True)
        solver = self._solver(model)
        with tempfile.TemporaryDirectory(prefix="solve-bench-") as scratch:
            site = self._bare(folder) if model in ("gold", "empty") else self._site(row, folder, Path(scratch))
            try:
                return solver.solve(row.task, site)
            except OverBudget as problem:
                return Attempt(b"", "over_budget", str(problem))
            except PatchRejected as problem:
                return Attempt(b"", "gave_up", str(problem))

    def _solver(self, model: str) -> Solver:
        """A solver of its own for each attempt: what one keeps, no other sees."""
        built_in = {**SOLVERS, "gold": lambda: self._gold}
        cache = cache_folder(os.environ)
        return find_solver(model, Choices(), self._budget.allowance, built_in, cache)

    def _site(self, row: Row, folder: Path, scratch: Path) -> Site:
        place = place_row(row, self._options)
        workspace = open_workspace(
            row.task.repository,
            row.task.base_commit,
            scratch / "workspace",
            mirrors=self._options.mirrors,
            tell=lambda line: None,
        )

        def opened() -> Sandbox:
            return DockerSandbox(place.image, owner=Owner(self._folder.name, row.task.id))

        return replace(
            self._bare(folder),
            open=opened,
            tree=workspace.folder,
            patch=workspace.patch_from_files,
            test_command=place.harness.command,
            baseline=TestReport(place.harness.command, 0, 0.0, problem=NOT_RUN),
        )

    def _bare(self, folder: Path) -> Site:
        """What a yardstick needs: nothing. It opens no sandbox, so what would is refused."""
        return Site(
            open=_refused,
            tree=folder,
            patch=lambda files: b"",
            baseline=TestReport("", 0, 0.0, problem=NOT_RUN),
            showing=(),
            test_command="",
            budget=self._budget.child(Allowance(seconds=SECONDS)),
            tell=silent,
            offer=lambda patch: None,
            verdict=_unjudged,
            folder=folder,
        )

    def _unsolved(self, row: Row, model: str, run: int) -> Result:
        return Result(
            instance_id=row.task.id,
            model_name_or_path=model,
            model_patch="",
            run=run,
            repository=row.task.repository,
            suite=self._suite.digest,
            flaky=row.flaky,
            outcome="infra_error",
        )


def _unjudged(attempt: Attempt) -> Verdict:
    """Nothing shows the issue of a benchmark row before it is graded: no stage of a cascade is known to be enough."""
    said = "not judged before grading"
    return Verdict("unreproduced", said) if attempt.patch else Verdict("no_patch", said)


def _refused() -> Sandbox:
    raise RuntimeError("a yardstick opens no sandbox")
