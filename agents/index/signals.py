"""Everything the ranking knows about each file and unit for one issue, by the name of the signal."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.index.arrays import Floats, Ints
from agents.index.mentions import Mentions, read_issue
from agents.index.named import Named
from agents.index.snapshot import Snapshot
from agents.index.textual import normal, textual_signals

SEEDS = 200  # units from which the call graph is walked
WALK = 10  # steps
HOME = 0.5  # share of the seeds in each step; the rest goes half to callees, half to callers


@dataclass(frozen=True, slots=True)
class Signals:
    """Columns over the candidates: files are code that is no test, units are their functions, methods and classes."""

    mentions: Mentions
    files: Ints  # numbers of the candidate files in the snapshot
    units: Ints
    file_of_unit: Ints  # positions in `files`
    of_file: dict[str, Floats]
    of_unit: dict[str, Floats]

    def file_matrix(self, names: list[str]) -> NDArray[np.float64]:
        return np.stack([self.of_file[name] for name in names], axis=1)

    def unit_matrix(self, names: list[str]) -> NDArray[np.float64]:
        return np.stack([self.of_unit[name] for name in names], axis=1)


def signals(snapshot: Snapshot, issue: str) -> Signals:
    """Signals of an issue, whose first line is its title."""
    mentions = read_issue(issue)
    of_file, of_unit = textual_signals(snapshot, mentions)
    named = Named(snapshot, mentions).signals()
    of_file |= named[0]
    of_unit |= named[1] | _graph_signals(snapshot, of_unit, named[1]["defines"])
    of_unit["size"] = np.log1p(snapshot.length) / 8
    files = np.flatnonzero(snapshot.candidates)
    units = np.flatnonzero(snapshot.candidates[snapshot.unit_file] & (snapshot.kind > 0))
    return Signals(
        mentions,
        files,
        units,
        np.searchsorted(files, snapshot.unit_file[units]),
        {name: values[files] for name, values in of_file.items()},
        {name: values[units] for name, values in of_unit.items()},
    )


def _graph_signals(snapshot: Snapshot, of_unit: dict[str, Floats], defines: Floats) -> dict[str, Floats]:
    """Personalised PageRank (Haveliwala 2002) over calls in both directions, from the units that fit the words best."""
    graph = snapshot.graph
    seeds = of_unit["body"] + of_unit["title"] + 2 * normal(defines)
    if len(seeds) > SEEDS:
        seeds = np.where(seeds >= np.partition(seeds, -SEEDS)[-SEEDS], seeds, 0.0)
    seeds = seeds / max(float(seeds.sum()), 1e-9)
    reached = seeds
    for _ in range(WALK):
        spread = graph.to_callees(reached) + graph.to_callers(reached)
        reached = HOME * seeds + (1 - HOME) / 2 * spread
    return {
        "near": normal(reached),
        "called by": normal(graph.to_callees(seeds)),
        "calls": normal(graph.to_callers(seeds)),
    }
