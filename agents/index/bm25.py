"""Okapi BM25 over units and over files at once, for several weightings of the same words.

Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), with Lucene's idf; k1 and b are the usual ones.
"""

from dataclasses import dataclass

import numpy as np

from agents.index.arrays import Floats, Ints, Mask
from agents.index.snapshot import Field, Snapshot
from agents.index.vocabulary import encode

K1 = 1.5
B = 0.75


@dataclass(frozen=True, slots=True)
class Scores:
    """One row for each weighting; over the snapshot's units and files, 0 outside of the scope."""

    unit: Floats
    file: Floats


@dataclass(frozen=True, slots=True)
class _Postings:
    """What one form gains in one document, before the form is weighted."""

    form: Ints
    document: Ints
    gain: Floats


def bm25(snapshot: Snapshot, queries: list[dict[str, float]], scope: Mask, field: Field, lengths: Ints) -> Scores:
    """Score the files of `scope` and their units. `queries` map forms to weights; `lengths` in words, of each unit of
    the snapshot in this field."""
    forms = list(dict.fromkeys(form for query in queries for form in query))
    found = snapshot.occurrences(encode(forms), field)
    file = snapshot.unit_file[found.unit]
    inside = scope[file]
    form, unit, file = found.asked[inside], found.unit[inside], file[inside]
    times = found.times[inside].astype(np.float64)
    in_scope = scope[snapshot.unit_file]
    sizes = np.where(in_scope, lengths, 0).astype(np.float64)
    units = _postings(form, unit, times, sizes, int(in_scope.sum()))
    file_sizes = np.bincount(snapshot.unit_file, sizes, len(scope)).astype(np.float64)
    files = _postings(*_by_file(form, file, times, len(scope)), file_sizes, int(scope.sum()))
    weights = [np.array([query.get(form, 0.0) for form in forms]) for query in queries]
    return Scores(_sums(weights, units, len(sizes)), _sums(weights, files, len(scope)))


def _by_file(form: Ints, file: Ints, times: Floats, files: int) -> tuple[Ints, Ints, Floats]:
    """The postings of units summed to those of files."""
    keys = form * files + file
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    form, file = np.divmod(keys[starts], max(1, files))
    return form, file, np.add.reduceat(times[order], starts) if len(starts) else times


def _postings(form: Ints, document: Ints, times: Floats, lengths: Floats, documents: int) -> _Postings:
    norm = K1 * (1 - B + B * lengths / max(1.0, float(lengths.sum()) / max(1, documents)))
    frequency = np.bincount(form)
    idf = np.log1p((documents - frequency + 0.5) / (frequency + 0.5))
    return _Postings(form, document, idf[form] * times * (K1 + 1) / (times + norm[document]))


def _sums(weights: list[Floats], postings: _Postings, documents: int) -> Floats:
    scores = np.zeros((len(weights), documents))
    for number, weight in enumerate(weights):
        factor = weight[postings.form] if len(weight) else np.zeros(0)
        used = np.flatnonzero(factor)
        scores[number] = np.bincount(postings.document[used], (postings.gain * factor)[used], documents)
    return scores
