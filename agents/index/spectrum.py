"""Signals from what failing tests ran, where something has watched them: spectrum-based fault localisation."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from agents.index.arrays import Floats, Ints
from agents.index.snapshot import Snapshot

Line = tuple[str, int]  # path, number


def spectrum(snapshot: Snapshot, suspicion: Mapping[Line, float]) -> tuple[Floats, Floats]:
    """Of each file and each unit its most suspicious line; a line counts for the innermost unit around it."""
    files, units = np.zeros(len(snapshot.paths)), np.zeros(len(snapshot.line))
    by_path: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for (path, line), score in suspicion.items():
        by_path[path].append((line, score))
    for file, path in enumerate(snapshot.paths if by_path else ()):
        end = int(snapshot.last[snapshot.file_start[file]])
        if there := [(line, score) for line, score in by_path.get(path, ()) if 0 < line <= end]:
            lines, scores = (np.array(column) for column in zip(*there, strict=True))
            files[file] = scores.max()
            np.maximum.at(units, _innermost(snapshot, file, lines), scores)
    return files, units


def _innermost(snapshot: Snapshot, file: int, lines: Ints) -> Ints:
    """The unit around each line: of those that hold it, the last to begin. The first of a file is the file itself."""
    first, end = int(snapshot.file_start[file]), int(snapshot.file_start[file + 1])
    inside = (snapshot.line[first:end] <= lines[:, None]) & (lines[:, None] <= snapshot.last[first:end])
    later: Ints = np.argmax(inside[:, ::-1], axis=1)
    return end - 1 - later
