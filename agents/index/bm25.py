"""Okapi BM25 over units and over files at once, for several weightings of the same words.

Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), with Lucene's idf; k1 is the usual one.
"""

from dataclasses import dataclass

import numpy as np

from agents.index.arrays import Floats, Ints, Mask, ranges
from agents.index.snapshot import Field, Snapshot
from agents.index.vocabulary import encode

K1 = 1.5
B = 0.5  # a long function is more often the one that is meant than the usual 0.75 has it


@dataclass(frozen=True, slots=True)
class Scores:
    """One row for each weighting; over the snapshot's units and files, 0 outside of the scope."""

    unit: Floats
    file: Floats


@dataclass(frozen=True, slots=True)
class _Postings:
    """What each form gains in each document, before it is weighted: form by form."""

    at: Ints  # first of each form, and the end
    document: Ints
    gain: Floats

    def sums(self, weights: Floats, documents: int) -> Floats:
        """Of each document the weighted gains."""
        forms = np.flatnonzero(weights)
        form, place = ranges(forms, self.at[forms], self.at[forms + 1])
        return np.bincount(self.document[place], self.gain[place] * weights[form], documents).astype(np.float64)


def bm25(snapshot: Snapshot, queries: list[dict[str, float]], scope: Mask, field: Field, lengths: Ints) -> Scores:
    """Score the files of `scope` and their units. `queries` map forms to weights; `lengths` in words, of each unit of
    the snapshot in this field."""
    forms = list(dict.fromkeys(form for query in queries for form in query))
    found = snapshot.occurrences(encode(forms), field)
    file = snapshot.unit_file[found.unit]
    keys = found.asked * len(scope) + file
    order = np.argsort(keys)
    order = order[scope[file[order]]]
    form, file, keys, times = found.asked[order], file[order], keys[order], found.times[order].astype(np.float64)
    sizes = np.where(scope[snapshot.unit_file], lengths, 0).astype(np.float64)
    file_sizes = np.bincount(snapshot.unit_file, sizes, len(scope)).astype(np.float64)
    units = _postings(form, found.unit[order], times, sizes, len(forms), int(scope[snapshot.unit_file].sum()))
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    of_file = np.add.reduceat(times, starts) if len(starts) else times
    files = _postings(form[starts], file[starts], of_file, file_sizes, len(forms), int(scope.sum()))
    weights = [np.array([query.get(form, 0.0) for form in forms]) for query in queries]
    return Scores(
        np.stack([units.sums(weight, len(sizes)) for weight in weights]),
        np.stack([files.sums(weight, len(scope)) for weight in weights]),
    )


def _postings(form: Ints, document: Ints, times: Floats, lengths: Floats, forms: int, documents: int) -> _Postings:
    """Of rows in the order of forms; `documents` are in scope."""
    norm = K1 * (1 - B + B * lengths / max(1.0, float(lengths.sum()) / max(1, documents)))
    at = np.searchsorted(form, np.arange(forms + 1))
    frequency = np.diff(at)
    idf = np.log1p((documents - frequency + 0.5) / (frequency + 0.5))
    return _Postings(at, document, idf[form] * times * (K1 + 1) / (times + norm[document]))
