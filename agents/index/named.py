"""Signals from what an issue names outright: identifiers, paths, modules, frames of a traceback."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from agents.index.arrays import Floats, Mask
from agents.index.mentions import Mentions
from agents.index.snapshot import Snapshot

MODULE_END = re.compile(r"(?:/__init__|/index|/mod)?\.\w+$")
COMMON = 5  # a path that fits so many files names none of them


class Named:
    """What is defined where, and which of it an issue names. Arrays are 0 outside `scope`."""

    def __init__(self, snapshot: Snapshot, mentions: Mentions, scope: Mask) -> None:
        self.snapshot = snapshot
        self.mentions = mentions
        self.scope = scope
        inside = scope[snapshot.unit_file] & (snapshot.kind > 0)
        self.defined: defaultdict[str, list[int]] = defaultdict(list)
        for unit in np.flatnonzero(inside).tolist():
            self.defined[snapshot.names[unit]].append(unit)
        self.modules = _suffixes((MODULE_END.sub("", path).split("/") for path in snapshot.paths), scope, ".")
        self.files = _suffixes((path.split("/") for path in snapshot.paths), scope, "/")

    def signals(self) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Signals over files and over units."""
        file_defines, unit_defines = self._identifiers()
        file_dotted, unit_dotted = self._dotted()
        file_trace, file_last, unit_trace = self._frames()
        paths = np.zeros(len(self.scope))
        for path in self.mentions.paths:
            for file in (found := self._resolve(path)):
                paths[file] = max(paths[file], 1 / len(found))
        files = {"path named": paths, "dotted": file_dotted, "trace": file_trace, "trace last": file_last}
        return file_defines | files, unit_defines | {"dotted": unit_dotted, "trace": unit_trace}

    def _identifiers(self) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Names in the issue that are defined here; a name with many definitions counts less for each."""
        snapshot, mentions = self.snapshot, self.mentions
        files = {name: np.zeros(len(self.scope)) for name in ("defines", "defines code", "defines title")}
        units = {name: np.zeros(len(snapshot.line)) for name in ("defines", "defines title", "called")}
        for word, weight in mentions.identifiers.items():
            if not (found := self.defined.get(word)):
                continue
            share = 1 / (1 + math.log(len(found)))
            for file in set(snapshot.unit_file[found].tolist()):
                files["defines"][file] += share * (weight >= 0.5)
                files["defines code"][file] += share * (weight >= 1.0)
                files["defines title"][file] += share * (word in mentions.title_identifiers)
            units["defines"][found] += share * weight
            units["defines title"][found] += share * (word in mentions.title_identifiers)
            units["called"][found] += share * (word in mentions.called)
        parents = np.zeros(len(snapshot.line))
        children = snapshot.parent > 0
        parents[children] = units["defines"][snapshot.parent[children]]
        units |= {"class defines": parents, "both define": np.sqrt(parents * units["defines"])}
        return {name: np.log1p(values) for name, values in files.items()}, units

    def _dotted(self) -> tuple[Floats, Floats]:
        """`package.module.Class.method`: the longest head that is a module, and what follows it; `Class.method`."""
        files, units = np.zeros(len(self.scope)), np.zeros(len(self.snapshot.line))
        for name in self.mentions.dotted:
            parts = name.split(".")
            for size in range(len(parts), 1, -1):
                if found := self.modules.get(".".join(parts[:size])):
                    files[found] += 1 / len(found)
                    units[self._in_files(parts[size : size + 1], found)] += 1
                    break
            for owner, member in pairwise(parts):
                units[self._members(owner, member)] += 1
        return np.log1p(files), np.log1p(units)

    def _in_files(self, names: Sequence[str], files: list[int]) -> list[int]:
        return [unit for name in names for unit in self.defined.get(name, ()) if self.snapshot.unit_file[unit] in files]

    def _members(self, owner: str, member: str) -> list[int]:
        return [
            unit
            for unit in self.defined.get(member, ())
            if self.snapshot.parent[unit] > 0 and self.snapshot.names[self.snapshot.parent[unit]] == owner
        ]

    def _frames(self) -> tuple[Floats, Floats, Floats]:
        """Frames of a traceback that lie here: the innermost counts 1, the next outer 1/2, and so on."""
        files, last, units = (np.zeros(size) for size in (len(self.scope), len(self.scope), len(self.snapshot.line)))
        located = [
            (frame, found) for frame in self.mentions.frames if 0 < len(found := self._resolve(frame.path)) < COMMON
        ]
        for depth, (frame, found) in enumerate(reversed(located)):
            files[found] = np.maximum(files[found], 1 / (1 + depth))
            last[found] = np.maximum(last[found], depth == 0)
            inside = self._in_files([frame.function.rpartition(".")[2]], found)
            units[inside] = np.maximum(units[inside], 1 / (1 + depth))
        return files, last, units

    def _resolve(self, path: str) -> list[int]:
        """Files a path may mean: those that end in the longest tail of it."""
        parts = path.replace("\\", "/").strip("/").split("/")
        for first in range(len(parts)):
            if found := self.files.get("/".join(parts[first:])):
                return found
        return []


def _suffixes(names: Iterable[list[str]], scope: Mask, joint: str) -> dict[str, list[int]]:
    """From every tail of a name to the files of `scope` that have it."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, parts in enumerate(names):
        if scope[number]:
            for first in range(len(parts)):
                found[joint.join(parts[first:])].append(number)
    return found
