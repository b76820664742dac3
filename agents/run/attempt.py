"""The attempts of `solve bench` on this machine: a row and a model → a patch and its cost, a patch → its verdict."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from agents.record import read
from agents.run.grading import graded_result, log_name
from agents.run.row_base import with_base
from agents.run.solve import SOLVERS
from agents.run.team import Choices, find_solver
from agents.staff import JOURNAL, cast_of, cost
from agents.team import CHECKPOINTS
from sandbox.api import BadInput, Image, Owner, Sandbox
from sandbox.testlog import TestReport
from sandbox.workspace import PatchRejected, open_workspace
from tasks.adaptive import Lanes
from tasks.causes import Early, EndedEarly
from tasks.environment import Place
from tasks.event import Event, Tell
from tasks.grade import Graded, Grader
from tasks.ledger import Key
from tasks.limits import Amount, OverBudget
from tasks.planned import Job, Planned
from tasks.results import Result
from tasks.row import Row
from tasks.rundir import replaced
from tasks.score import Score
from tasks.solvers import GoldSolver, Site, Solver
from tasks.task import Attempt, Cost, Task, total
from tasks.verdict import Verdict
from tasks.watched import Watched

YARDSTICKS = frozenset({"gold", "empty"})  # they need no container
FREE = YARDSTICKS | {"repair"}
BEST, EVENTS, ISSUE_TEXT = "best.diff", "events.jsonl", "issue.md"


@dataclass(frozen=True)
class Attempting:
    """Does the work of a batch. Safe to share between threads."""

    folder: Path  # the run's
    mirrors: Path | None
    cache: Path
    place: Callable[[Row], Place]
    open: Callable[[Image, Owner], Sandbox]
    grader: Grader
    lanes: Lanes
    environment: Mapping[str, str]

    def container(self, job: Job) -> bool:
        if job.solved is not None:
            return bool(job.solved.model_patch.strip())
        return job.planned.model not in YARDSTICKS

    def solve(self, job: Job, watched: Watched) -> Result:
        planned = job.planned
        folder = attempt_folder(self.folder, planned.key)
        folder.mkdir(parents=True, exist_ok=True)
        replaced(folder / ISSUE_TEXT, planned.row.task.issue.text().encode("utf-8", "replace"))
        if job.again:
            forget(folder)
        attempt = self._attempt(planned, watched, folder)
        found = with_cost(planned.unsolved, attempt.cost)
        return found.model_copy(
            update={
                "model_patch": attempt.patch.decode("utf-8", "replace"),
                "ended": attempt.ended,
                "early": early_of(attempt),
                "reason": attempt.reason,
                "seconds": round(watched.budget.elapsed, 3),
                "snapshot": ", ".join(watched.snapshots),
            }
        )

    def grade(self, job: Job, watched: Watched) -> Result:
        planned, solved = job.planned, job.solved
        if solved is None:
            raise ValueError(f"{planned} has no patch to grade")
        patch = solved.model_patch.encode("utf-8", "replace")
        if not patch.strip():
            graded = Graded(Score("unresolved", "empty_patch", solved.reason or "there is no patch"))
        else:
            graded = self.grader.verdict(planned.row, patch, partial(self._open, watched))
        result = graded_result(solved, graded)
        if graded.log:
            replaced(self.folder / "logs" / log_name(result), graded.log.encode("utf-8", "replace"))
        return result

    def so_far(self, planned: Planned) -> Result:
        folder = attempt_folder(self.folder, planned.key)
        best = folder / BEST
        patch = best.read_bytes().decode("utf-8", "replace") if best.is_file() else ""
        return with_cost(planned.unsolved, spent(folder)).model_copy(update={"model_patch": patch})

    def _attempt(self, planned: Planned, watched: Watched, folder: Path) -> Attempt:
        row, model = planned.row, planned.model
        solver = self._solver(row, model, watched)
        with tempfile.TemporaryDirectory(prefix="solve-bench-", ignore_cleanup_errors=True) as scratch:
            task, site = row.task, self._bare(folder, watched)
            if model not in YARDSTICKS:
                task, site = self._site(site, row, watched, Path(scratch))
            try:
                return solver.solve(task, site)
            except OverBudget as problem:
                return Attempt(b"", "over_budget", str(problem))
            except PatchRejected as problem:
                return Attempt(b"", "gave_up", str(problem))

    def _solver(self, row: Row, model: str, watched: Watched) -> Solver:
        """A solver of its own for each attempt: what one keeps, no other sees."""
        built_in = {**SOLVERS, "gold": lambda: GoldSolver({row.task.id: row.answer})}
        choices = Choices(lanes=self.lanes)
        return find_solver(model, choices, watched.budget.allowance, built_in, self.cache, self.environment)

    def _site(self, bare: Site, row: Row, watched: Watched, scratch: Path) -> tuple[Task, Site]:
        try:
            with watched.waiting():
                place = self.place(row)
            workspace = open_workspace(
                row.task.repository,
                row.task.base_commit,
                scratch / "workspace",
                mirrors=self.mirrors,
                tell=lambda line: None,
            )
        except BadInput as problem:  # the row's, not the person's who started the batch
            raise EndedEarly("image", str(problem)) from problem
        site = replace(
            bare,
            open=lambda: self._open(watched, place.image, row.task.id),
            tree=workspace.folder,
            patch=workspace.patch_from_files,
        )
        return with_base(row.task, site, workspace, place.harness)

    def _bare(self, folder: Path, watched: Watched) -> Site:
        """What a yardstick needs: nothing. It opens no sandbox, so what would is refused."""
        return Site(
            open=_refused,
            tree=folder,
            patch=lambda files: b"",
            baseline=TestReport("", 0, 0.0, problem="not run"),
            showing=(),
            test_command="",
            budget=watched.budget,
            tell=partial(told, folder / EVENTS, watched.tell),
            offer=lambda patch: keep(folder / BEST, patch),
            verdict=_unjudged,
            folder=folder,
        )

    def _open(self, watched: Watched, image: Image, task: str) -> Sandbox:
        return watched.open(lambda: self.open(image, Owner(self.folder.name, task)))


def early_of(attempt: Attempt) -> Early | None:
    """What ended an attempt before its time, as its solver tells it (pure)."""
    if attempt.ended == "over_budget":
        return "budget"
    if attempt.ended == "infra_error":  # solvers raise what a sandbox did; what they return is a model's server
        return "rate limit" if re.search(r" answers (429|529), \d+ times", attempt.reason) else "provider"
    if attempt.ended == "gave_up" and re.search(r" refused( the request \(\d+\))?: ", attempt.reason):
        return "refusal"
    return None


def with_cost(result: Result, cost: Cost) -> Result:
    return result.model_copy(
        update={
            "calls": cost.calls,
            "tokens_in": cost.tokens_in,
            "tokens_cached": cost.tokens_cached,
            "tokens_out": cost.tokens_out,
            "dollars": cost.dollars,
            "model_seconds": cost.seconds,
        }
    )


def spent(folder: Path) -> Cost:
    """What an attempt has cost so far, by the journals in its folder; calls that never ended at their worst case."""
    found = []
    for path in sorted(folder.glob(f"**/{JOURNAL}")):
        recorded = read(path)
        models = cast_of(recorded.settings or {}).models()
        found.append(cost(recorded, priced=all(model.price is not None for model in models), seconds=0.0))
    return total(found)


def carried(folder: Path, key: Key) -> Amount:
    """What an attempt that was begun has spent; the same, as its journals book it again."""
    total = Amount()
    for path in attempt_folder(folder, key).glob(f"**/{JOURNAL}"):
        recorded = read(path)
        total += recorded.spent + recorded.lost
    return total


def forget(folder: Path) -> None:
    """A graph that ended by a server's failure would end so again: its steps are forgotten, its journal is not."""
    for path in folder.glob(f"**/{CHECKPOINTS}*"):
        path.unlink()


def set_aside(folder: Path, key: Key) -> None:
    """Make room for an attempt that is made anew though it ended: what it left is kept beside it."""
    before = attempt_folder(folder, key)
    if before.exists():
        number = len(list(before.parent.glob(f"{before.name}.before-*"))) + 1
        before.rename(before.with_name(f"{before.name}.before-{number}"))


def attempt_folder(run: Path, key: Key) -> Path:
    row, model, number = key
    return run / "solver" / fit(model) / f"{fit(row)}-{number}"


def fit(name: str) -> str:
    """A name as one part of a path; two names never become one."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    if plain == name and not plain.startswith("."):
        return plain
    return f"{plain.lstrip('.')[:80]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


def keep(path: Path, patch: bytes) -> None:
    with suppress(FileNotFoundError):  # the attempt was set aside
        replaced(path, patch)


def told(path: Path, tell: Tell, event: Event) -> None:
    """Keep what a solver tells, but for mere progress, beside the attempt."""
    tell(event)
    if not event.total or event.done >= event.total:
        line = json.dumps({"stage": event.stage, "text": event.text}).encode() + b"\n"
        with suppress(FileNotFoundError), path.open("ab", buffering=0) as file:  # the attempt was set aside
            file.write(line)


def _unjudged(attempt: Attempt) -> Verdict:
    """Nothing shows the issue of a benchmark row before it is graded: no stage of a cascade is known to be enough."""
    said = "not judged before grading"
    return Verdict("unreproduced", said) if attempt.patch else Verdict("no_patch", said)


def _refused() -> Sandbox:
    raise RuntimeError("a yardstick opens no sandbox")
