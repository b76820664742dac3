"""One model that is asked a few questions outside of any team: within a budget, with a journal of its own."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agents import models
from agents.conversation import Brain
from agents.journal import Journal
from agents.llm import Servers
from agents.models import Model
from agents.probe import features
from agents.run.options import dollars
from sandbox.api import BadInput
from tasks.limits import Allowance, Budget

TOKENS = 60_000  # of one question, where no budget in dollars is given


@contextmanager
def open_brain(name: str, base_url: str, budget: float | None, questions: int) -> Iterator[Brain]:
    """The model of this name.

    Raises:
        BadInput: no such model, no key, no price for a budget in dollars.
    """
    stages = models.at_url(name, base_url) if base_url else models.find(name, models.load(os.environ))
    casts = stages.casts()
    if len(casts) != 1 or len(casts[0].models()) != 1:
        raise BadInput(f"{name} is no single model: name one of models.toml")
    (model,) = casts[0].models()
    allowance = Allowance(dollars=dollars(budget)) if budget else Allowance(tokens=TOKENS * questions)
    models.check_priced((model,), allowance, allow_unpriced=False)
    models.key(model, os.environ)  # a missing key is said before any work is done
    with (
        tempfile.TemporaryDirectory() as folder,
        brain(model, Path(folder) / "journal.jsonl", Budget(allowance), Path(folder), os.environ) as opened,
    ):
        yield opened


@contextmanager
def brain(model: Model, journal: Path, budget: Budget, kept: Path, environment: Mapping[str, str]) -> Iterator[Brain]:
    """A model with a journal of its own, and what its server can do, which is kept in the folder `kept`.

    Raises:
        BadInput, OverBudget: the server cannot be used at all.
    """
    written = Journal(journal, {})
    servers = Servers(
        written,
        budget,
        lambda model: models.key(model, environment),
        loopback_only=bool(environment.get("SOLVE_OFFLINE")),
    )
    try:
        yield Brain(servers, model, features(servers, model, kept))
    finally:
        servers.close()
        written.close()
