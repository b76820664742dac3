"""The words of many files, each known once: its number, the forms it answers to, and whether it stands for a call.

What `words.forms` says of one word is found out here for thousands at once, in half the time.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import count, islice

import numpy as np

from agents.index.arrays import Ints, Mask, changes, ranges
from agents.index.hashing import Hashes, hashes
from agents.index.words import LONGEST, PART, STEM_MARK, stem, stop_words

MOST_WORDS = 400_000  # of one vocabulary; then a new one is begun
PART_OR_END = re.compile(rf"{PART.pattern}|\n")
END = 0  # the form "\n": it ends a word, and no word answers to it


class Vocabulary:
    """Grows batch by batch, so that what a word answers to is found out once and not once a batch."""

    def __init__(self) -> None:
        self.numbers: defaultdict[bytes, int] = defaultdict(count().__next__)  # of words as written
        self.has_forms: Mask = np.zeros(0, np.bool_)  # of each word
        self.call_hash: Hashes = np.zeros(0, np.uint64)  # of each word: the name that is called, or 0
        self._word_forms: Ints = np.zeros(0, np.int64)
        self._word_at: Ints = np.zeros(1, np.int64)
        self._forms: defaultdict[str, int] = defaultdict(count(END + 1).__next__, {"\n": END})
        self.form_hash: Hashes = np.zeros(0, np.uint64)
        self.is_stem: Mask = np.zeros(0, np.bool_)
        self._indexed: Mask = np.zeros(0, np.bool_)  # of each form: neither a stop word nor a single letter
        self._stem: Ints = np.zeros(0, np.int64)  # of each form: its stem, END until it is asked for

    def full(self) -> bool:
        return len(self.numbers) > MOST_WORDS

    def learn(self) -> None:
        """Take in the words that were numbered since the last time."""
        new = [*islice(self.numbers, len(self.has_forms), None)]
        word, form = self._pairs(b"\n".join([*new, b""]).replace(b"(", b"").decode("utf-8", "replace"))
        at = np.searchsorted(word, np.arange(1, len(new) + 1)) + self._word_at[-1]
        self._word_forms = np.concatenate((self._word_forms, form))
        self._word_at = np.concatenate((self._word_at, at))
        self.has_forms = np.diff(self._word_at) > 0
        called = np.zeros(len(new), np.uint64)
        calls = [place for place, raw in enumerate(new) if raw.endswith(b"(")]
        called[calls] = hashes(new[place][:-1] for place in calls)
        self.call_hash = np.concatenate((self.call_hash, called))

    def forms_of(self, words: Ints) -> tuple[Ints, Ints]:
        """The forms of words in a row, and the place in that row of the word that each form stands for."""
        places, rows = ranges(np.arange(len(words)), self._word_at[words], self._word_at[words + 1])
        return self._word_forms[rows], places

    def _pairs(self, text: str) -> tuple[Ints, Ints]:
        """Of words, one a line, each with each of its forms: the word's place and the form, by place."""
        wholes = ["" if len(word) > LONGEST else word.lower().strip("_") for word in text.split("\n")[:-1]]
        whole, part = self._numbered(wholes), self._numbered(map(str.lower, PART_OR_END.findall(text)))
        self._look_at_new()
        parts = np.diff(np.flatnonzero(part == END), prepend=-1) - 1
        indexed = self._indexed[whole]
        owner = np.repeat(np.arange(len(whole)), parts + 1)
        chosen = self._indexed[part] & (indexed & (parts > 1))[owner]
        part, owner = part[chosen], owner[chosen]
        alone = np.flatnonzero(indexed & (np.bincount(owner, minlength=len(whole)) == 0))
        stems = self._stems(np.concatenate((part, whole[alone])))
        words = np.concatenate((np.flatnonzero(indexed), owner, owner, alone))
        pairs = np.sort(words << 32 | np.concatenate((whole[indexed], part, stems)))
        pairs = pairs[changes(pairs)]
        return pairs >> 32, pairs & 0xFFFFFFFF

    def _numbered(self, forms: Iterable[str]) -> Ints:
        return np.fromiter(map(self._forms.__getitem__, forms), np.int64)

    def _stems(self, forms: Ints) -> Ints:
        asked = np.zeros(len(self._stem), np.bool_)
        asked[forms] = True
        asked &= self._stem == END
        names = [*self._forms]
        self._stem[asked] = self._numbered([STEM_MARK + stem(names[form]) for form in np.flatnonzero(asked)])
        self._look_at_new()
        return self._stem[forms]

    def _look_at_new(self) -> None:
        fresh, stop = [*islice(self._forms, len(self._stem), None)], stop_words()
        self.form_hash = np.concatenate((self.form_hash, encode(fresh)))
        is_stem = np.array([form[:1] == STEM_MARK for form in fresh], np.bool_)
        self.is_stem = np.concatenate((self.is_stem, is_stem))
        indexed = np.array([len(form) > 1 and form not in stop for form in fresh], np.bool_)
        self._indexed = np.concatenate((self._indexed, indexed))
        self._stem = np.concatenate((self._stem, np.full(len(fresh), END)))


def encode(forms: Iterable[str]) -> Hashes:
    return hashes(form.encode() for form in forms)
