"""Arrays that many modules speak of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def ranges(labels: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """All positions of the ranges `starts[i]:ends[i]`, one after the other, each with its range's label."""
    sizes = ends - starts
    before = np.cumsum(sizes) - sizes
    return np.repeat(labels, sizes), np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)


def changes(values: NDArray[Any]) -> Mask:
    """Where a value differs from the one before it; the first does."""
    changed = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    return changed
