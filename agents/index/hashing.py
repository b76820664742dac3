"""Names and words as 64-bit numbers: a sorted array of them is searched as it lies in the store.

A polynomial over random byte values, modulo 2^64. Two words of one repository share a number by chance in one of many
million repositories; who makes such words on purpose only lets one word answer for the other.
"""

import hashlib
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agents.index.arrays import Ints

Hashes = NDArray[np.uint64]
LONGEST = 256  # bytes of a word that count


@cache
def _tables() -> tuple[Hashes, Hashes]:
    """A random value for each byte, and a random odd factor for each place in a word: the same everywhere."""
    drawn = np.frombuffer(hashlib.shake_128(b"solve index").digest(16 * LONGEST), "<u8")
    return drawn[:256], drawn[256:] | np.uint64(1)


def hashes(words: Iterable[bytes]) -> Hashes:
    """One number for each word; 0 for the empty one."""
    cut = [word[:LONGEST] for word in words]
    if not cut:
        return np.zeros(0, np.uint64)
    values, factors = _tables()
    data = np.frombuffer(b"".join(cut), np.uint8)
    lengths = np.fromiter(map(len, cut), np.int64, len(cut))
    ends = np.cumsum(lengths)
    place = np.arange(len(data)) - np.repeat(ends - lengths, lengths)
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(values[data] * factors[place], dtype=np.uint64)))
    found: Hashes = sums[ends] - sums[ends - lengths]
    return found


def match(asked: Hashes, known: Hashes) -> tuple[Ints, Ints]:
    """The places in `asked` and in `known`, both rising, of what stands in both."""
    if not len(known):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    hit = np.flatnonzero(known[place] == asked)
    return hit, place[hit]
