"""One model by its name, to be asked a few questions outside of any run: within a budget, with a journal of its own."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents import models
from agents.conversation import Brain
from agents.journal import Journal
from agents.llm import Servers
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
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.jsonl", {})
        servers = Servers(
            journal,
            Budget(allowance),
            lambda model: models.key(model, os.environ),
            loopback_only=bool(os.environ.get("SOLVE_OFFLINE")),
        )
        try:
            yield Brain(servers, model, features(servers, model, Path(folder)))
        finally:
            servers.close()
            journal.close()
