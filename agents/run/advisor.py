"""Wiring of advice on environments: the run's model, its budget, and a journal beside that of its solver."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agents.conversation import Brain
from agents.environment import advise
from agents.models import Model
from agents.record import read
from agents.run.brain import brain
from agents.staff import JOURNAL, cost
from agents.trouble import ModelError
from sandbox.discovery.advice import Advise
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.remedy import Remedy
from sandbox.redact import redactor
from tasks.limits import Allowance, Budget, OverBudget
from tasks.rundir import RunDir
from tasks.task import Cost

FOLDER = "environment"  # in the folder of the run's solver, where journals are looked for
MOST = Allowance(calls=12, seconds=600.0)  # of all advice in a run: a few re-asks, and what the server is asked first


@contextmanager
def advisor(
    model: Model | None,
    run: RunDir,
    budget: Budget,
    cache: Path,
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[Advise | None]:
    """Whom to ask, as long as the context lasts; None where there is no model. Nothing is asked or made before."""
    if model is None:
        yield None
        return
    with ExitStack() as opened:
        brains: list[Brain] = []

        def asked(recipe: Recipe, output: str) -> Sequence[Remedy]:
            try:
                if not brains:
                    place = journal(run)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    mind = brain(model, place, budget.child(MOST), cache / "servers", environment)
                    brains.append(opened.enter_context(mind))
                return advise(brains[0], recipe, output, redactor(environment)).remedies(recipe)
            except (ModelError, OverBudget) as error:
                tell(f"no advice on the environment: {error}")
                return ()

        yield asked


def spent(model: Model | None, run: RunDir) -> Cost:
    """What advice has cost in this run, in earlier processes too."""
    if model is None or not journal(run).is_file():
        return Cost()
    return cost(read(journal(run)), priced=model.price is not None, seconds=0.0)


def journal(run: RunDir) -> Path:
    return run.path / "solver" / FOLDER / JOURNAL
