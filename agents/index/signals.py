"""Everything the ranking knows about each file and unit for one issue, by the name of the signal."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.index.arrays import Floats, Ints
from agents.index.graph import Graph
from agents.index.mentions import Mentions, read_issue
from agents.index.named import Named
from agents.index.snapshot import Snapshot
from agents.index.spectrum import Line, spectrum
from agents.index.textual import textual_signals


@dataclass(frozen=True, slots=True)
class Signals:
    """Columns over the candidates: files are code that is no test, units are their functions, methods and classes."""

    mentions: Mentions
    files: Ints  # numbers of the candidate files in the snapshot
    units: Ints
    file_of_unit: Ints  # positions in `files`
    of_file: dict[str, Floats]
    of_unit: dict[str, Floats]
    graph: Graph  # over the snapshot's units

    def file_matrix(self, names: list[str]) -> NDArray[np.float64]:
        return np.stack([self.of_file[name] for name in names], axis=1)

    def unit_matrix(self, names: list[str]) -> NDArray[np.float64]:
        return np.stack([self.of_unit[name] for name in names], axis=1)


def signals(snapshot: Snapshot, issue: str, suspicion: Mapping[Line, float] | None = None) -> Signals:
    """Signals of an issue, whose first line is its title. `suspicion` as in `rank`."""
    mentions = read_issue(issue)
    of_file, of_unit = textual_signals(snapshot, mentions)
    named = Named(snapshot, mentions).signals()
    of_file |= named[0]
    of_unit |= named[1]
    of_file["ran"], of_unit["ran"] = spectrum(snapshot, suspicion or {})
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
        snapshot.graph,
    )
