"""The words of many files, each known once: its number, the forms it answers to, and whether it stands for a call."""

from array import array
from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate, chain, count, islice

import numpy as np
from numpy.typing import NDArray

from agents.index.arrays import Ints, ranges
from agents.index.hashing import Hashes, hashes
from agents.index.words import STEM_MARK, forms

MOST_WORDS = 400_000  # of one vocabulary; then a new one is begun


class Vocabulary:
    """Grows batch by batch, so that what a word answers to is found out once and not once a batch."""

    def __init__(self) -> None:
        self.numbers: defaultdict[bytes, int] = defaultdict(count().__next__)  # of words as written
        self._learnt = 0
        self._forms: defaultdict[str, int] = defaultdict(count().__next__)
        self._word_forms = array("I")
        self._word_at = array("I", [0])
        self.form_hash: Hashes = np.zeros(0, np.uint64)
        self.is_stem: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.call_hash: Hashes = np.zeros(0, np.uint64)  # of each word: the name that is called, or 0
        self.has_forms: NDArray[np.bool_] = np.zeros(0, np.bool_)  # of each word

    def full(self) -> bool:
        return len(self.numbers) > MOST_WORDS

    def learn(self) -> None:
        """Take in the words that were numbered since the last time."""
        new = [*islice(self.numbers, self._learnt, None)]
        self._learnt += len(new)
        known = len(self._forms)
        found = [forms(word.rstrip(b"(").decode("utf-8", "replace")) for word in new]
        self._word_forms.extend(map(self._forms.__getitem__, chain.from_iterable(found)))
        self._word_at.extend(islice(accumulate(map(len, found), initial=self._word_at[-1]), 1, None))
        self.has_forms = np.diff(np.frombuffer(self._word_at, np.uint32)) > 0
        fresh = [*islice(self._forms, known, None)]
        self.form_hash = np.concatenate((self.form_hash, encode(fresh)))
        self.is_stem = np.concatenate((self.is_stem, np.array([form[0] == STEM_MARK for form in fresh], np.bool_)))
        called = np.zeros(len(new), np.uint64)
        calls = [place for place, word in enumerate(new) if word.endswith(b"(")]
        called[calls] = hashes(new[place][:-1] for place in calls)
        self.call_hash = np.concatenate((self.call_hash, called))

    def forms_of(self, words: Ints) -> tuple[Ints, Ints]:
        """The forms of words in a row, and the place in that row of the word that each form stands for."""
        at = np.frombuffer(self._word_at, np.uint32).astype(np.int64)
        places, rows = ranges(np.arange(len(words)), at[words], at[words + 1])
        return np.frombuffer(self._word_forms, np.uint32)[rows].astype(np.int64), places


def encode(forms: Iterable[str]) -> Hashes:
    return hashes(form.encode() for form in forms)
