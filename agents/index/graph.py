"""Who calls whom and who inherits from whom, by name: an edge for every definition a name could mean.

A name with many definitions says little, so its weight is shared among them; names with more than `MOST` are left out.
A definition in the caller's own file takes the share alone.
"""

from typing import TYPE_CHECKING

import numpy as np

from agents.index.arrays import Floats, Ints, ranges
from agents.index.hashing import Hashes, match
from agents.index.vocabulary import encode

if TYPE_CHECKING:
    from agents.index.snapshot import Snapshot

MOST = 12  # definitions of one name
STEPS = 3
HOME = 0.85  # share of what a walk starts with in each of its steps; the rest goes half to callees, half to callers


class Graph:
    """Edges between the candidates' units, each with a weight; those that leave a unit sum to at most 1."""

    def __init__(self, snapshot: "Snapshot") -> None:
        size = self.size = len(snapshot.line)
        source, target, weight = _edges(snapshot)
        out, into = np.bincount(source, weight, size), np.bincount(target, weight, size)
        self._down = _Flow(source, target, weight / np.maximum(out[source], 1e-12), size)
        self._up = _Flow(target, source, weight / np.maximum(into[target], 1e-12), size)

    def to_callees(self, scores: Floats) -> Floats:
        """Each unit hands its score to what it calls and inherits from."""
        return self._down.flow(scores)

    def to_callers(self, scores: Floats) -> Floats:
        """Each unit hands its score to what calls it or inherits from it."""
        return self._up.flow(scores)

    def walk(self, shares: Floats) -> Floats:
        """Personalised PageRank (Haveliwala 2002) from these shares, over calls in both directions."""
        reached = shares
        for _ in range(STEPS):
            reached = HOME * shares + (1 - HOME) / 2 * (self.to_callees(reached) + self.to_callers(reached))
        return reached


class _Flow:
    """Weighted edges. What reaches a unit is summed in the order of the edges."""

    def __init__(self, source: Ints, target: Ints, weight: Floats, size: int) -> None:
        self._source, self._target, self._weight, self._size = source, target, weight, size

    def flow(self, scores: Floats) -> Floats:
        carried = scores[self._source]
        carried *= self._weight
        return np.bincount(self._target, carried, self._size).astype(np.float64, copy=False)


def _edges(snapshot: "Snapshot") -> tuple[Ints, Ints, Floats]:
    first, end, units = snapshot.namespace.definitions()
    few = np.flatnonzero((end - first <= MOST) & (snapshot.namespace.names > 0))
    callers, called = _calls(snapshot, snapshot.namespace.names[few])
    inside = snapshot.candidates[snapshot.unit_file[callers]]
    callers, called = callers[inside], few[called[inside]]
    edge, place = ranges(np.arange(len(callers)), first[called], end[called])
    source, target = callers[edge], units[place]
    near = snapshot.unit_file[source] == snapshot.unit_file[target]
    any_near = np.bincount(edge, near, len(callers))[edge] > 0
    weight = np.where(any_near, near.astype(np.float64), 1.0)
    weight /= np.maximum(1.0, np.bincount(edge, weight, len(callers)))[edge]
    keep = (weight > 0) & (source != target)
    return source[keep], target[keep], weight[keep]


def _calls(snapshot: "Snapshot", names: Hashes) -> tuple[Ints, Ints]:
    """Which unit calls which of the names, or inherits from it."""
    found = snapshot.occurrences(names, "call")
    heirs = [(unit, base) for unit, bases in enumerate(snapshot.bases) if bases for base in bases.split("\t")]
    bases = encode(base for _, base in heirs)
    order = np.argsort(bases)
    hit, place = match(bases[order], names)
    heir = np.array([unit for unit, _ in heirs], np.int64)[order[hit]]
    return np.concatenate((found.unit, heir)), np.concatenate((found.asked, place))
