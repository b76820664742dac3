"""Wiring of `solve index ... --rerank MODEL`: a model's name → a way to ask it, within a budget."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents import models
from agents.conversation import Brain
from agents.index.evaluate import Measured, Row, measure, measure_ranking, report
from agents.index.rank import Ranking, rank
from agents.index.snapshot import Snapshot
from agents.index.tree import Read
from agents.index.weights import Weights
from agents.journal import Journal
from agents.llm import Servers
from agents.probe import features
from agents.rerank import rerank
from agents.run.options import dollars
from sandbox.api import BadInput
from sandbox.redact import redactor
from tasks.limits import Allowance, Budget

TOKENS = 60_000  # of one question, where no budget in dollars is given

Rerank = Callable[[Snapshot, Ranking, Read, str], Ranking]


@contextmanager
def reranker(name: str, base_url: str, budget: float | None, questions: int) -> Iterator[Rerank]:
    """What re-ranks with the model of this name.

    Raises:
        BadInput: no such model, no key, no price for a budget in dollars.
    """
    stages = models.at_url(name, base_url) if base_url else models.find(name, models.load(os.environ))
    casts = stages.casts()
    if len(casts) != 1 or len(casts[0].models()) != 1:
        raise BadInput(f"{name} is no single model: name one of models.toml with --rerank")
    (model,) = casts[0].models()
    allowance = Allowance(dollars=dollars(budget)) if budget else Allowance(tokens=TOKENS * questions)
    models.check_priced((model,), allowance, allow_unpriced=False)
    models.key(model, os.environ)  # a missing key is said before anything is indexed
    clean = redactor(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.jsonl", {})
        servers = Servers(
            journal,
            Budget(allowance),
            lambda model: models.key(model, os.environ),
            loopback_only=bool(os.environ.get("SOLVE_OFFLINE")),
        )
        try:
            brain = Brain(servers, model, features(servers, model, Path(folder)))
            yield lambda snapshot, ranking, read, issue: rerank(brain, snapshot, ranking, read, issue, clean)
        finally:
            servers.close()
            journal.close()


def measure_reranked(rows: Iterable[Row], weights: Weights, order: Rerank) -> dict[str, Any]:
    """The report, and under "reranked" that of the same rows in the model's order."""
    plain: list[Measured] = []
    reranked: list[Measured] = []
    for row in rows:
        plain.append(measure(row.example, weights))
        ranking = rank(row.snapshot, row.question.issue, weights.for_row(row.question.instance))
        reranked.append(measure_ranking(row, order(row.snapshot, ranking, row.read, row.question.issue)))
    return {**report(plain), "reranked": report(reranked)}
