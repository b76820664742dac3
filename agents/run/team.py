"""Wiring of `--model`: a name, a server, a replay or a cascade → the solver that plays it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agents import models
from agents.cascade import CascadeSolver
from agents.models import Cast, Model, Stages
from agents.record import digest
from agents.replay import Cassette
from agents.staff import LiveStaff, ReplayStaff, cast_of
from agents.team import Person, Staff, TeamSolver
from sandbox.api import BadInput
from sandbox.redact import redactor
from tasks.adaptive import Lanes
from tasks.limits import Allowance
from tasks.solvers import Site, Solver
from tasks.task import Task

if TYPE_CHECKING:
    from agents.guide import IndexGuide

REPLAY = "replay:"
APPROVALS = frozenset({"plan", "patch"})


@dataclass(frozen=True)
class Choices:
    """What the command line says about models, beside their name."""

    base_url: str = ""
    attempts: int = 1
    keep_test: bool = True
    approve: frozenset[str] = field(default_factory=frozenset)
    allow_unpriced: bool = False
    person: Person = lambda question: None
    lanes: Lanes = field(default_factory=Lanes)  # shared by the attempts of a batch


def find_solver(
    name: str,
    choices: Choices,
    allowance: Allowance,
    built_in: Mapping[str, Callable[[], Solver]],
    cache: Path,
    environment: Mapping[str, str] = os.environ,
) -> Solver:
    """The solver that `--model NAME` means.

    Raises:
        BadInput: no such name, a key or a price is missing, a file cannot be read.
    """
    if choices.attempts < 1:
        raise BadInput(f"{choices.attempts} attempts cannot be made: give 1 or more with --attempts")
    if choices.approve - APPROVALS:
        raise BadInput(
            f"nobody can be asked about {', '.join(choices.approve - APPROVALS)}: --approve takes plan,patch"
        )
    if name.startswith(REPLAY):
        return _replay(Path(name.removeprefix(REPLAY)), choices, cache, environment)
    stages = _stages(name, choices, built_in, environment)
    players = tuple(model for cast in stages.casts() for model in cast.models())
    models.check_priced(players, allowance, choices.allow_unpriced)
    for model in players:
        models.key(model, environment)  # a missing key is said before anything is built
    solvers = [
        built_in[stage]() if isinstance(stage, str) else _team(stage, choices, cache, environment)
        for stage in stages.stages
    ]
    if len(solvers) == 1:
        return solvers[0]
    return CascadeSolver(stages.name, solvers, next((one for one in solvers if isinstance(one, TeamSolver)), None))


def adviser(
    name: str,
    choices: Choices,
    built_in: Mapping[str, Callable[[], Solver]],
    environment: Mapping[str, str] = os.environ,
) -> Model | None:
    """Whom to ask about what is not yet solving: who plans. None where no model plays, or none that answers anew."""
    if name.startswith(REPLAY):
        return None
    casts = _stages(name, choices, built_in, environment).casts()
    return casts[0].roles["planner"] if casts else None


def _stages(
    name: str, choices: Choices, built_in: Mapping[str, Callable[[], Solver]], environment: Mapping[str, str]
) -> Stages:
    if choices.base_url:
        return models.at_url(name, choices.base_url)
    if name in built_in:
        return Stages(name, (name,))
    stages = models.find(name, models.load(environment))
    missing = [stage for stage in stages.stages if isinstance(stage, str) and stage not in built_in]
    if missing:
        raise BadInput(f"{missing[0]} cannot be a model here: it is a yardstick of `solve bench`")
    return stages


def _team(cast: Cast, choices: Choices, cache: Path, environment: Mapping[str, str]) -> TeamSolver:
    def hire(cast: Cast, site: Site) -> Staff:
        return LiveStaff(
            cast,
            site,
            key=lambda model: models.key(model, environment),
            kept=cache / "servers",
            loopback_only=bool(environment.get("SOLVE_OFFLINE")),
            lanes=choices.lanes,
        )

    return _with(cast, hire, choices, cache, environment)


def _replay(path: Path, choices: Choices, cache: Path, environment: Mapping[str, str]) -> TeamSolver:
    cast = cast_of(Cassette(path).settings)
    if not cast.roles:
        raise BadInput(f"{path} is not the journal of a team: it lies in a run's folder, solver/journal.jsonl")
    return _with(cast, lambda cast, site: ReplayStaff(path, site), choices, cache, environment)


def _with(
    cast: Cast,
    hire: Callable[[Cast, Site], Staff],
    choices: Choices,
    cache: Path,
    environment: Mapping[str, str],
) -> TeamSolver:
    def guide(task: Task, site: Site) -> "IndexGuide":
        from agents.guide import IndexGuide  # brings NumPy, which a batch of which nothing is left does not need
        from agents.index.index import Index

        with Index(cache / "index" / f"{digest(task.repository)[:24]}.sqlite") as index:
            return IndexGuide(index.build(site.tree), site.tree, site.suspicion)

    return TeamSolver(
        cast,
        hire,
        guide,
        redactor(environment),
        attempts=choices.attempts,
        keep_test=choices.keep_test,
        approve=choices.approve,
        person=choices.person,
        checkpoints=environment.get("SOLVE_CHECKPOINTS", ""),
    )
