"""Arrays that many modules speak of."""

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
