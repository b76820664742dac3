"""A batch from its command line to its results: folder, lock, ledger, and what is still to be done."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from agents.run import grading
from agents.run.attempt import set_aside
from agents.run.batch import Batch, Begun, Came
from agents.run.bench_floor import Machine, work
from agents.run.conditions import conditions
from agents.run.folders import runs_folder
from agents.run.sharing import sharing
from agents.run.solve import SOLVERS
from agents.run.team import Choices, find_solver
from sandbox.api import BadInput
from sandbox.cache import cache_folder
from tasks.collector import no_collector
from tasks.history import History
from tasks.ledger import FILE, Ledger, Line
from tasks.limits import Allowance
from tasks.lock import hold
from tasks.planned import Job, Planned, in_order
from tasks.results import Results
from tasks.rundir import new_id
from tasks.solvers import EmptySolver
from tasks.stop import Stop


def run(batch: Batch, machine: Machine, environment: Mapping[str, str] = os.environ) -> Came:
    """Do what is not done yet. Raises what `solve bench` shows at its door."""
    if batch.runs < 1:
        raise BadInput(f"{batch.runs} attempts cannot be made: give 1 or more with -k")
    environment = with_checkpoints(environment, batch.db)
    with no_collector():
        suite = grading.open_suite(batch.options)
        planned = in_order(suite.rows, batch.models, batch.runs, suite.digest)
    check_solvers(batch, environment)
    folder = open_folder(batch.options.out or runs_folder() / new_id(f"bench {suite.name}"))
    now = conditions(suite, batch.models, batch.allowances, batch.options.base_image, environment)
    stop = Stop()
    with Ledger(folder, salvage=batch.salvage) as ledger, sharing(batch, folder.name) as shared:
        hold(folder, now)
        history = History.of(ledger.lines)
        ledger.lines.clear()
        wanted = {"suite": suite.digest, "attempts": len(planned), "models": list(batch.models), "runs": batch.runs}
        if dict(history.plan) != wanted:
            ledger.append(Line(at=round(time.time(), 3), state="planned", result=wanted))
        others = shared.bring_up(history)
        mine = [each for each in planned if each.key not in others]
        jobs = list(to_do(mine, history, folder, batch))
        begun = Begun(folder, ledger, history, planned, jobs, shared.claim, shared.kept)
        left = work(batch, machine, begun, stop, environment)
    results = shared.results(history)
    Results(folder).write(results)
    keys = {each.key for each in planned}
    results = [found for found in results if found.attempt in keys]
    return Came(folder, results, len(planned), left, stop.reason, stop.by_person)


def with_checkpoints(environment: Mapping[str, str], db: str) -> Mapping[str, str]:
    """The steps of graphs are kept where the index is, if that is a Postgres and nobody says otherwise."""
    postgres = db.startswith(("postgresql://", "postgres://"))
    return {"SOLVE_CHECKPOINTS": db, **environment} if postgres else environment


def check_solvers(batch: Batch, environment: Mapping[str, str]) -> None:
    """Raises BadInput: a name means no solver, or a key or a price of its models is missing."""
    limits = (batch.allowances.run, batch.allowances.model, batch.allowances.task)
    allowance = Allowance(dollars=next((limit for limit in limits if limit is not None), None))
    for name in batch.models:
        find_solver(
            name, Choices(), allowance, {**SOLVERS, "gold": EmptySolver}, cache_folder(environment), environment
        )


def open_folder(folder: Path) -> Path:
    """The run's folder: new, or one that `solve bench` wrote.

    Raises:
        BadInput: something else is in it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / FILE).exists() and any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty and has no {FILE}: give another folder with --out")
        (folder / FILE).touch()  # before anything else: by it a start that was killed here is known again
        (folder / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write {folder} ({error.strerror}): give another folder with --out") from error
    return folder


def to_do(planned: Sequence[Planned], history: History, folder: Path, batch: Batch) -> Iterator[Job]:
    """What has no terminal, valid line; what was begun comes first."""
    fresh: list[Job] = []
    for each in planned:
        standing = history.standings.get(each.key)
        if standing is None:
            fresh.append(Job(each, "solve"))
        elif standing.done and batch.retry_failed and standing.fields.get("outcome") != "resolved":
            set_aside(folder, each.key)
            fresh.append(Job(each, "solve", attempt=standing.tries))
        elif standing.solved or (standing.done and batch.options.regrade):
            known = each.unsolved.model_validate({"model_patch": "", **standing.fields, "outcome": "infra_error"})
            yield Job(each, "grade", attempt=standing.tries, solved=known)
        elif not standing.done:
            yield Job(each, "solve", attempt=standing.tries, again=standing.state == "failed")
    yield from fresh
