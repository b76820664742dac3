"""Okapi BM25 over units and over files at once, for several weightings of the same words.

Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), with Lucene's idf; k1 and b are the usual ones.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.index.arrays import Floats, Ints, Mask
from agents.index.snapshot import Snapshot

K1 = 1.5
B = 0.75
CHUNK = 1 << 21  # cells of one dense block


@dataclass(frozen=True, slots=True)
class Scores:
    """One row for each weighting; over the snapshot's units and files, 0 outside of the scope."""

    unit: Floats
    file: Floats


def bm25(
    snapshot: Snapshot, queries: list[dict[str, float]], scope: Mask, fields: tuple[str, ...], lengths: Ints
) -> Scores:
    """Score the files of `scope` and their units. `queries` map forms to weights; `fields` are "code", "doc", "name";
    `lengths` in words, of each unit of the snapshot in these fields."""
    forms = list(dict.fromkeys(form for query in queries for form in query))
    weights = np.array([[query.get(form, 0.0) for form in forms] for query in queries])
    units = np.flatnonzero(scope[snapshot.unit_file])
    compact = np.full(len(snapshot.line), -1, np.int64)
    compact[units] = np.arange(len(units))
    form, unit, times = _entries(snapshot, forms, fields, compact)
    file_of = snapshot.unit_file[units]
    sizes = lengths[units].astype(np.float64)
    file_lengths = np.bincount(file_of, sizes, len(scope)).astype(np.float64)
    unit_scores = np.zeros((len(queries), len(units)))
    file_scores = np.zeros((len(queries), len(scope)))
    rows = max(1, CHUNK // max(1, len(units)))
    norm = _norm(sizes, len(units))
    file_norm = _norm(file_lengths, int(scope.sum()))
    order = np.argsort(form, kind="stable")
    bounds = np.searchsorted(form[order], np.arange(0, len(forms) + rows, rows))
    for number, first in enumerate(range(0, len(forms), rows)):
        block = order[bounds[number] : bounds[number + 1]]
        count = min(rows, len(forms) - first)
        cells = np.bincount((form[block] - first) * len(units) + unit[block], times[block], count * len(units))
        here = weights[:, first : first + count]
        _add(unit_scores, here, cells.reshape(count, len(units)), norm, len(units))
        cells = np.bincount((form[block] - first) * len(scope) + file_of[unit[block]], times[block], count * len(scope))
        _add(file_scores, here, cells.reshape(count, len(scope)), file_norm, int(scope.sum()))
    result = np.zeros((len(queries), len(snapshot.line)))
    result[:, units] = unit_scores
    return Scores(result, file_scores)


def _norm(lengths: Floats, documents: int) -> Floats:
    average = max(1.0, float(lengths.sum()) / max(1, documents))
    return K1 * (1 - B + B * lengths / average)


def _add(scores: Floats, weights: NDArray[np.float64], cells: NDArray[Any], norm: Floats, documents: int) -> None:
    """Add the block's share to `scores`, in place. Most cells are empty: only the others are worked on."""
    row, column = np.nonzero(cells)
    times = cells[row, column]
    frequency = np.bincount(row, minlength=len(cells))
    idf = np.log1p((documents - frequency + 0.5) / (frequency + 0.5))
    gain = idf[row] * times * (K1 + 1) / (times + norm[column])
    for number in range(len(scores)):
        factor = weights[number]
        if factor.any():
            scores[number] += np.bincount(column, gain * factor[row], minlength=scores.shape[1])


def _entries(snapshot: Snapshot, forms: list[str], fields: tuple[str, ...], compact: Ints) -> tuple[Ints, Ints, Ints]:
    parts = [snapshot.occurrences(forms, field) for field in fields]
    form, unit, times = (np.concatenate([getattr(part, name) for part in parts]) for name in ("form", "unit", "times"))
    unit = compact[unit]
    inside = unit >= 0
    return form[inside], unit[inside], times[inside]
