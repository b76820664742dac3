"""Names of a snapshot, made once for all of its queries: what is defined where, how paths end, words of paths."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from agents.index.arrays import Ints
from agents.index.hashing import match
from agents.index.vocabulary import encode
from agents.index.words import plain_forms, stem_forms

if TYPE_CHECKING:
    from agents.index.snapshot import Snapshot

SUFFIX = re.compile(r"\.\w+$")


class Namespace:
    """Over the snapshot's candidates: code that is no test."""

    def __init__(self, snapshot: "Snapshot") -> None:
        files = np.flatnonzero(snapshot.candidates).tolist()
        self._count = len(files)
        self._paths = {file: snapshot.paths[file] for file in files}
        self._by_file_name: defaultdict[str, list[int]] = defaultdict(list)
        self.path_words: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        """Stem → the files whose own name has it, and the others in whose folders it is."""
        for file, path in self._paths.items():
            folders, _, name = path.rpartition("/")
            self._by_file_name[name].append(file)
            own = _stems(SUFFIX.sub("", name))
            for form in own:
                self.path_words[form][0].append(file)
            for form in _stems_of_folders(folders) - own:
                self.path_words[form][1].append(file)
        units = np.flatnonzero(snapshot.candidates[snapshot.unit_file] & (snapshot.kind > 0))
        self._units = units[np.argsort(snapshot.name_hash[units], kind="stable")]
        sorted_hashes = snapshot.name_hash[self._units]
        self._first = np.flatnonzero(np.diff(sorted_hashes, prepend=~sorted_hashes[:1]))
        self._end = np.append(self._first[1:], len(sorted_hashes))
        self.names = sorted_hashes[self._first]

    def path_weight(self, form: str) -> float:
        """The rarer a word of paths, the heavier."""
        return math.log(1 + self._count / sum(map(len, self.path_words[form])))

    def defined(self, names: Iterable[str]) -> dict[str, Ints]:
        """Those of the names that are defined here, with the units that define them."""
        asked = [*dict.fromkeys(names)]
        keys = encode(asked)
        order = np.argsort(keys)
        hit, place = match(keys[order], self.names)
        found = {
            asked[order[number]]: self._units[self._first[row] : self._end[row]]
            for number, row in zip(hit.tolist(), place.tolist(), strict=True)
        }
        return {name: found[name] for name in asked if name in found}

    def definitions(self) -> tuple[Ints, Ints, Ints]:
        """Of each of `names`: where its definitions begin and end in the third, the units."""
        return self._first, self._end, self._units

    def files_of(self, path: str) -> list[int]:
        """Files that end in the longest tail of a path."""
        parts = path.replace("\\", "/").strip("/").split("/")
        return _longest(self._by_file_name.get(parts[-1], []), self._paths, parts)


def _longest(files: list[int], paths: dict[int, str], parts: list[str]) -> list[int]:
    for first in range(len(parts) - 1):
        tail = "/".join(parts[first:])
        if found := [file for file in files if paths[file] == tail or paths[file].endswith("/" + tail)]:
            return found
    return files


@lru_cache(maxsize=1 << 16)
def _stems(name: str) -> frozenset[str]:
    return frozenset(stem_forms(plain_forms(name)))


@lru_cache(maxsize=1 << 14)
def _stems_of_folders(folders: str) -> frozenset[str]:
    return frozenset().union(*(_stems(folder) for folder in folders.split("/")))
