"""How well the ranking finds what reference patches touch: recall@k, MRR, with intervals, per repository.

The issue text alone is read by the ranking; the patch only by `gold_of`. Every row is scored by weights that were
fitted without it (`Weights.for_row`).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.index.arrays import Floats, Ints, Mask
from agents.index.fit import Example
from agents.index.gold import Gold, gold_of
from agents.index.index import Index, store_path
from agents.index.rank import Ranking, score
from agents.index.signals import signals
from agents.index.snapshot import Snapshot
from agents.index.store import MAX_BYTES
from agents.index.tree import Read, open_tree, reader
from agents.index.weights import Weights
from sandbox.api import BadInput

FILE_RANKS = (1, 3, 5, 10)
UNIT_RANKS = (1, 5, 10, 20)
RESAMPLES = 2000
STORE = 8 * MAX_BYTES  # of a repository, which is seen at as many commits as there are rows


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what the reference patch answers."""

    instance: str
    repository: str  # OWNER/NAME
    commit: str
    issue: str
    patch: str


@dataclass(frozen=True, slots=True)
class Row:
    """A question with its signals and labels. `snapshot` and `read` serve until the next row is asked for."""

    question: Question
    example: Example
    gold: Gold
    snapshot: Snapshot
    read: Read


@dataclass(frozen=True, slots=True)
class Measured:
    """One question: ranks of the gold candidates, from 1; 0 for gold that is no candidate (a document, a test)."""

    instance: str
    repository: str
    files: tuple[int, ...]
    files_by_words: tuple[int, ...]  # by BM25 over whole files alone
    units: tuple[int, ...]
    cpu: float  # seconds of one query, the index being there


def examples(questions: Sequence[Question], mirrors: Path, tell: Callable[[str], None]) -> Iterator[Row]:
    """Each question with what the index knows for it. Indexes what is missing."""
    for question in questions:
        mirror = mirrors / f"{question.repository}.git"
        if not mirror.exists():
            raise BadInput(f"no mirror of {question.repository} in {mirrors}: git clone --mirror it to {mirror}")
        tell(question.instance)
        with Index(store_path(mirror), max_bytes=STORE) as index, open_tree(mirror, question.commit) as tree:
            snapshot = index.build_tree(tree)
            read = reader(tree)
            gold = gold_of(question.patch, read)
            start = time.process_time()
            found = signals(snapshot, question.issue)
            spent = time.process_time() - start
            files = np.array([snapshot.paths[file] in gold.files for file in found.files], np.bool_)
            places = zip(snapshot.unit_file[found.units].tolist(), snapshot.line[found.units].tolist(), strict=True)
            units = np.array([(snapshot.paths[file], line) in gold.units for file, line in places], np.bool_)
            sizes = len(gold.files), len(gold.units)
            example = Example(question.instance, question.repository, found, files, units, *sizes, spent)
            yield Row(question, example, gold, snapshot, read)


def measure(example: Example, weights: Weights) -> Measured:
    start = time.process_time()
    scored = score(example.signals, weights.for_row(example.instance))
    spent = time.process_time() - start
    by_words = np.argsort(-example.signals.of_file["body"], kind="stable")
    return Measured(
        example.instance,
        example.repository,
        _ranks(scored.files, example.gold_files, example.files),
        _ranks(by_words, example.gold_files, example.files),
        _ranks(scored.units, example.gold_units, example.units),
        example.cpu + spent,
    )


def measure_ranking(row: Row, ranking: Ranking) -> Measured:
    """As `measure`, of a ranking that was made elsewhere from this row's."""
    files = [place for place, file in enumerate(ranking.files, 1) if file.path in row.gold.files]
    units = [place for place, one in enumerate(ranking.symbols, 1) if (one.path, one.line) in row.gold.units]
    by_words = np.argsort(-row.example.signals.of_file["body"], kind="stable")
    return Measured(
        row.example.instance,
        row.question.repository,
        (*files, *[0] * (row.example.files - len(files))),
        _ranks(by_words, row.example.gold_files, row.example.files),
        (*units, *[0] * (row.example.units - len(units))),
        row.example.cpu,
    )


def _ranks(order: Ints, gold: Mask, total: int) -> tuple[int, ...]:
    found = (np.flatnonzero(gold[order]) + 1).tolist()
    return (*found, *[0] * (total - len(found)))


def report(rows: Sequence[Measured]) -> dict[str, Any]:
    """Fractions from 0 to 1; function figures over the rows whose patch touches a function, method or class."""
    summary: dict[str, Any] = _summary(rows)
    summary["intervals"] = _intervals(rows)
    summary["bm25_whole_file"] = _file_figures(rows, lambda row: row.files_by_words)
    summary["minus_bm25_whole_file"] = _paired(rows)
    repositories = sorted({row.repository for row in rows})
    summary["repositories"] = {name: _summary([row for row in rows if row.repository == name]) for name in repositories}
    return summary


def _summary(rows: Sequence[Measured]) -> dict[str, Any]:
    with_units = [row for row in rows if row.units]
    figures = _file_figures(rows, lambda row: row.files)
    return {
        "file": {name: value for name, value in figures.items() if name != "mrr"},
        "function": {f"recall@{k}": _mean(_recall(row.units, k) for row in with_units) for k in UNIT_RANKS},
        "mrr": figures["mrr"],
        "n": len(rows),
        "n_function": len(with_units),
        "cpu_s": _mean((row.cpu for row in rows), digits=4),
    }


def _file_figures(rows: Sequence[Measured], ranks: Callable[[Measured], tuple[int, ...]]) -> dict[str, float]:
    figures = {f"recall@{k}": _mean(_recall(ranks(row), k) for row in rows) for k in FILE_RANKS}
    return figures | {"mrr": _mean(_reciprocal(ranks(row)) for row in rows)}


def _recall(ranks: tuple[int, ...], k: int) -> float:
    return sum(0 < rank <= k for rank in ranks) / len(ranks) if ranks else 0.0


def _reciprocal(ranks: tuple[int, ...]) -> float:
    return max((1 / rank for rank in ranks if rank), default=0.0)


def _mean(values: Iterable[float], digits: int = 4) -> float:
    numbers = list(values)
    return round(sum(numbers) / len(numbers), digits) if numbers else 0.0


def _intervals(rows: Sequence[Measured]) -> dict[str, dict[str, list[float]]]:
    with_units = [row for row in rows if row.units]
    return {
        "file": {f"recall@{k}": _interval([_recall(row.files, k) for row in rows]) for k in FILE_RANKS},
        "function": {f"recall@{k}": _interval([_recall(row.units, k) for row in with_units]) for k in UNIT_RANKS},
        "mrr": {"mrr": _interval([_reciprocal(row.files) for row in rows])},
    }


def _paired(rows: Sequence[Measured]) -> dict[str, dict[str, Any]]:
    """Row by row: the ranking's figure minus that of BM25 over whole files."""
    differences: dict[str, list[float]] = {
        f"recall@{k}": [_recall(row.files, k) - _recall(row.files_by_words, k) for row in rows] for k in FILE_RANKS
    }
    differences["mrr"] = [_reciprocal(row.files) - _reciprocal(row.files_by_words) for row in rows]
    return {name: {"mean": _mean(values), "interval": _interval(values)} for name, values in differences.items()}


def _interval(values: Sequence[float]) -> list[float]:
    """95%, percentile bootstrap over rows, always with the same draws."""
    if not values:
        return [0.0, 0.0]
    numbers: Floats = np.array(values)
    drawn = np.random.default_rng(0).integers(0, len(numbers), (RESAMPLES, len(numbers)))
    low, high = np.percentile(numbers[drawn].mean(axis=1), (2.5, 97.5))
    return [round(float(low), 4), round(float(high), 4)]
