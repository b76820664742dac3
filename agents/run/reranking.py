"""Wiring of `solve index ... --rerank MODEL`: a model's name → a way to ask it, within a budget."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from agents.index.evaluate import Measured, Row, measure, measure_ranking, report
from agents.index.rank import Ranking, rank
from agents.index.snapshot import Snapshot
from agents.index.tree import Read
from agents.index.weights import Weights
from agents.rerank import rerank
from agents.run.brain import open_brain
from sandbox.redact import redactor

Rerank = Callable[[Snapshot, Ranking, Read, str], Ranking]


@contextmanager
def reranker(name: str, base_url: str, budget: float | None, questions: int) -> Iterator[Rerank]:
    """What re-ranks with the model of this name.

    Raises:
        BadInput: no such model, no key, no price for a budget in dollars.
    """
    clean = redactor(os.environ)
    with open_brain(name, base_url, budget, questions) as brain:
        yield lambda snapshot, ranking, read, issue: rerank(brain, snapshot, ranking, read, issue, clean)


def measure_reranked(rows: Iterable[Row], weights: Weights, order: Rerank) -> dict[str, Any]:
    """The report, and under "reranked" that of the same rows in the model's order."""
    plain: list[Measured] = []
    reranked: list[Measured] = []
    for row in rows:
        plain.append(measure(row.example, weights))
        ranking = rank(row.snapshot, row.question.issue, weights.for_row(row.question.instance))
        reranked.append(measure_ranking(row, order(row.snapshot, ranking, row.read, row.question.issue)))
    return {**report(plain), "reranked": report(reranked)}
