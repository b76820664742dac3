"""Who calls whom and who inherits from whom, by name: an edge for every definition a name could mean.

A name with many definitions says little, so its weight is shared among them; names with more than `MOST` are left out.
A definition in the caller's own file, or in a file the caller's file imports the name from, takes the share alone.
"""

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from agents.index.arrays import Floats, Ints, Mask

if TYPE_CHECKING:
    from agents.index.snapshot import Snapshot

MOST = 12  # definitions of one name


class Graph:
    """Edges between units of `scope`, each with a weight; those that leave a unit sum to at most 1."""

    def __init__(self, snapshot: "Snapshot", scope: Mask) -> None:
        self.size = len(snapshot.line)
        self.source, self.target, weight = self._edges(snapshot, scope[snapshot.unit_file])
        total = np.bincount(self.source, weight, self.size)
        self.weight: Floats = weight / np.maximum(total[self.source], 1e-12)
        incoming = np.bincount(self.target, weight, self.size)
        self.back_weight: Floats = weight / np.maximum(incoming[self.target], 1e-12)

    def to_callees(self, scores: Floats) -> Floats:
        """Each unit hands its score to what it calls and inherits from."""
        return np.bincount(self.target, scores[self.source] * self.weight, self.size).astype(np.float64)

    def to_callers(self, scores: Floats) -> Floats:
        """Each unit hands its score to what calls it or inherits from it."""
        return np.bincount(self.source, scores[self.target] * self.back_weight, self.size).astype(np.float64)

    def _edges(self, snapshot: "Snapshot", inside: Mask) -> tuple[Ints, Ints, Floats]:
        defined: defaultdict[str, list[int]] = defaultdict(list)
        names = snapshot.names
        for unit in np.flatnonzero(inside & (snapshot.kind > 0)).tolist():
            defined[names[unit]].append(unit)
        known = {name: number for number, (name, units) in enumerate(defined.items()) if len(units) <= MOST}
        numbered = list(known)
        sizes = np.array([len(defined[name]) for name in numbered], np.int64)
        first = np.concatenate(([0], np.cumsum(sizes)))
        units = np.array([unit for name in numbered for unit in defined[name]], np.int64)
        callers, called = _calls(snapshot, {name: place for place, name in enumerate(numbered)})
        live = inside[callers]
        callers, called = callers[live], called[live]
        source, row = np.repeat(callers, sizes[called]), np.repeat(called, sizes[called])
        offset = np.arange(len(source)) - np.repeat(np.cumsum(sizes[called]) - sizes[called], sizes[called])
        target = units[first[row] + offset]
        edge = np.repeat(np.arange(len(callers)), sizes[called])
        near = snapshot.unit_file[source] == snapshot.unit_file[target]
        any_near = np.bincount(edge, near, len(callers))[edge] > 0
        weight = np.where(any_near, near.astype(np.float64), 1.0)
        weight /= np.maximum(1.0, np.bincount(edge, weight, len(callers)))[edge]
        keep = (weight > 0) & (source != target)
        return source[keep], target[keep], weight[keep]


def _calls(snapshot: "Snapshot", known: dict[str, int]) -> tuple[Ints, Ints]:
    """Which unit calls which known name, or inherits from it."""
    callers: list[Ints] = []
    called: list[Ints] = []
    wanted = {name.encode() + b"(": number for name, number in known.items()}
    for segment in snapshot.segments:
        number_of = np.array([wanted.get(word, -1) for word in segment.words], np.int64)
        at, units, _ = segment.postings("code")
        numbers = np.repeat(number_of, np.diff(at))
        unit = segment.unit_numbers[units]
        keep = (numbers >= 0) & (unit >= 0)
        callers.append(unit[keep])
        called.append(numbers[keep])
    heirs = [
        (unit, known[base])
        for unit, bases in enumerate(snapshot.bases)
        if bases
        for base in bases.split("\t")
        if base in known
    ]
    callers.append(np.array([unit for unit, _ in heirs], np.int64))
    called.append(np.array([number for _, number in heirs], np.int64))
    return np.concatenate(callers), np.concatenate(called)
