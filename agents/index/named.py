"""Signals from what an issue names outright: identifiers, paths, frames of a traceback."""

import math

import numpy as np

from agents.index.arrays import Floats
from agents.index.mentions import Mentions
from agents.index.snapshot import Snapshot

COMMON = 5  # a path that fits so many files names none of them


class Named:
    """What an issue names of a snapshot. Arrays are 0 outside of the candidates."""

    def __init__(self, snapshot: Snapshot, mentions: Mentions) -> None:
        self.snapshot = snapshot
        self.mentions = mentions
        self.names = snapshot.namespace
        self.files = len(snapshot.paths)

    def signals(self) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Signals over files and over units."""
        file_defines, unit_defines = self._identifiers()
        file_trace, unit_trace = self._frames()
        paths = np.zeros(self.files)
        for path in self.mentions.paths:
            for file in (found := self.names.files_of(path)):
                paths[file] = max(paths[file], 1 / len(found))
        return file_defines | {"path named": paths, "trace": file_trace}, unit_defines | {"trace": unit_trace}

    def _identifiers(self) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Names in the issue that are defined here; a name with many definitions counts less for each."""
        snapshot, mentions = self.snapshot, self.mentions
        files = np.zeros(self.files)
        units = {name: np.zeros(len(snapshot.line)) for name in ("defines", "defines title", "called")}
        for word, found in self.names.defined(mentions.identifiers).items():
            weight = mentions.identifiers[word]
            share = 1 / (1 + math.log(len(found)))
            if weight >= 1.0:
                files[[*set(snapshot.unit_file[found].tolist())]] += share
            units["defines"][found] += share * weight
            units["defines title"][found] += share * (word in mentions.title_identifiers)
            units["called"][found] += share * (word in mentions.called)
        parents = np.zeros(len(snapshot.line))
        children = snapshot.parent > 0
        parents[children] = units["defines"][snapshot.parent[children]]
        units |= {"class defines": parents, "both define": np.sqrt(parents * units["defines"])}
        return {"defines code": np.log1p(files)}, units

    def _frames(self) -> tuple[Floats, Floats]:
        """Frames of a traceback that lie here: the innermost counts 1, the next outer 1/2, and so on."""
        snapshot = self.snapshot
        files, units = np.zeros(self.files), np.zeros(len(snapshot.line))
        located = [(frame, self.names.files_of(frame.path)) for frame in reversed(self.mentions.frames)]
        for depth, (frame, found) in enumerate(each for each in located if 0 < len(each[1]) < COMMON):
            files[found] = np.maximum(files[found], 1 / (1 + depth))
            name = frame.function.rpartition(".")[2]
            defined = self.names.defined([name]).get(name, np.zeros(0, np.int64))
            inside = defined[np.isin(snapshot.unit_file[defined], found)]
            units[inside] = np.maximum(units[inside], 1 / (1 + depth))
        return files, units
