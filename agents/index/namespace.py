"""Names of a snapshot, made once for all of its queries: what is defined where, how paths end, words of paths."""

import math
import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from agents.index.words import plain_forms, stem_forms

if TYPE_CHECKING:
    from agents.index.snapshot import Snapshot

SUFFIX = re.compile(r"\.\w+$")


class Namespace:
    """Over the snapshot's candidates: code that is no test."""

    def __init__(self, snapshot: "Snapshot") -> None:
        files = np.flatnonzero(snapshot.candidates).tolist()
        self.paths = {file: snapshot.paths[file] for file in files}
        self._by_file_name: defaultdict[str, list[int]] = defaultdict(list)
        for file in files:
            self._by_file_name[self.paths[file].rpartition("/")[2]].append(file)
        self.defined: defaultdict[str, list[int]] = defaultdict(list)
        names = snapshot.names
        for unit in np.flatnonzero(snapshot.candidates[snapshot.unit_file] & (snapshot.kind > 0)).tolist():
            self.defined[names[unit]].append(unit)
        self.path_forms = {file: _forms_of_path(path) for file, path in self.paths.items()}
        having: defaultdict[str, int] = defaultdict(int)
        for own, above in self.path_forms.values():
            for form in own | above:
                having[form] += 1
        self.path_weight = {form: math.log(1 + len(files) / times) for form, times in having.items()}

    def files_of(self, path: str) -> list[int]:
        """Files that end in the longest tail of a path."""
        parts = path.replace("\\", "/").strip("/").split("/")
        return _longest(self._by_file_name.get(parts[-1], []), self.paths, parts)


def _longest(files: list[int], paths: dict[int, str], parts: list[str]) -> list[int]:
    for first in range(len(parts) - 1):
        tail = "/".join(parts[first:])
        if found := [file for file in files if paths[file] == tail or paths[file].endswith("/" + tail)]:
            return found
    return files


def _forms_of_path(path: str) -> tuple[frozenset[str], frozenset[str]]:
    """Stems of the file's own name, and of the folders above it."""
    folders, _, name = SUFFIX.sub("", path).rpartition("/")
    return _stems(name), _stems_of_folders(folders)


@lru_cache(maxsize=1 << 16)
def _stems(name: str) -> frozenset[str]:
    return frozenset(stem_forms(plain_forms(name)))


@lru_cache(maxsize=1 << 14)
def _stems_of_folders(folders: str) -> frozenset[str]:
    return frozenset().union(*(_stems(folder) for folder in folders.split("/")))
