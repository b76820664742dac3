"""A repository in one state, ready to be asked: its files and units as arrays, over the segments of a store.

Units of all live files are numbered in one row, file by file in the order of paths; `Snapshot.occurrences` answers
where words stand, in those numbers.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from agents.index.arrays import Ints, Mask, ranges
from agents.index.build import Listed
from agents.index.graph import Graph
from agents.index.hashing import Hashes, match
from agents.index.languages import PROSE, language_of
from agents.index.namespace import Namespace
from agents.index.store import Store
from agents.index.unit import KINDS

TEST = re.compile(
    r"^(?:testing|test|tests|__tests__|spec)/|/(?:test|tests|__tests__|spec)/"
    r"|(?:^|/)(?:test_[^/]*|tests?|[^/]*_test|conftest)\.\w+$|(?:^|/)[^/]*(?:\.test|\.spec|_spec|Tests?)\.\w+$"
)


Field = Literal["text", "name", "call"]


def is_test(path: str) -> bool:
    return TEST.search(path) is not None


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Postings: number of what was asked for, unit, how often. No pair of the first two comes twice."""

    asked: Ints
    unit: Ints
    times: Ints


class Segment:
    """The live part of one stored segment: its columns, and the snapshot's number of each of its units (-1: dead)."""

    def __init__(self, columns: dict[str, bytes], files: Ints) -> None:
        self.columns = columns
        self.files = files  # the snapshot's number of each file of the segment, or -1
        self.file_units = self.ints("file_units")
        self.unit_numbers = np.full(int(self.file_units[-1]), -1, np.int64)  # filled by the snapshot

    def ints(self, name: str, kind: Any = np.uint32) -> Ints:
        return np.frombuffer(self.columns[name], kind).astype(np.int64)

    def hashes(self, name: str) -> Hashes:
        return np.frombuffer(self.columns[name], np.uint64)

    def lines(self, name: str) -> list[str]:
        return self.columns[name].decode("utf-8", "replace").split("\n")

    def occurrences(self, asked: Ints, rows: Ints, field: str) -> Occurrences:
        """The live postings of some rows of a field; `asked` is what to call each of them."""
        at = np.frombuffer(self.columns[f"{field}_at"], np.uint32)
        number, place = ranges(asked, at[rows].astype(np.int64), at[rows + 1].astype(np.int64))
        unit = self.unit_numbers[np.frombuffer(self.columns[f"{field}_unit"], np.uint32)[place]]
        times = np.frombuffer(self.columns[f"{field}_times"], np.uint8)[place]
        live = unit >= 0
        return Occurrences(number[live], unit[live], times[live].astype(np.int64))


class Snapshot:
    """Files and units. Arrays over files have `len(paths)` entries, over units `len(line)`."""

    def __init__(self, store: Store, listed: Listed) -> None:
        chosen = _once(listed)
        self.listed = listed
        self.paths = [listed.paths[place] for place in chosen]
        self.blobs = [listed.blobs[place] for place in chosen]
        self.languages = [language_of(path) for path in self.paths]
        self.test_file: Mask = np.array([is_test(path) for path in self.paths], np.bool_)
        self.code_file: Mask = np.array([language != PROSE for language in self.languages], np.bool_)
        self.candidates: Mask = self.code_file & ~self.test_file  # what a ranking ranks
        self.segments = self._load(store, [listed.places[place] for place in chosen])
        self._number_units()

    def _load(self, store: Store, places: list[Any]) -> list[Segment]:
        by_segment: dict[int, list[tuple[int, int]]] = {}
        for number, place in enumerate(places):
            by_segment.setdefault(place.segment, []).append((place.place, number))
        segments = []
        for segment, files in sorted(by_segment.items()):
            columns = store.load(segment)
            numbers = np.full(len(columns["lines"]) // 4, -1, np.int64)
            for place, number in files:
                numbers[place] = number
            segments.append(Segment(columns, numbers))
        return segments

    def _number_units(self) -> None:
        counts = np.zeros(len(self.paths) + 1, np.int64)
        for segment in self.segments:
            live = segment.files >= 0
            counts[segment.files[live] + 1] = np.diff(segment.file_units)[live]
        self.file_start: Ints = np.cumsum(counts)  # first unit of each file, and the end
        total = int(self.file_start[-1])
        self.unit_file: Ints = np.repeat(np.arange(len(self.paths)), np.diff(self.file_start))
        self.line, self.last, self.kind, self.parent, self.length, self.name_parts = (
            np.zeros(total, np.int64) for _ in range(6)
        )
        self.name_hash: Hashes = np.zeros(total, np.uint64)
        for segment in self.segments:
            owner = np.repeat(segment.files, np.diff(segment.file_units))
            offset = np.arange(len(owner)) - np.repeat(segment.file_units[:-1], np.diff(segment.file_units))
            live = owner >= 0
            numbers = segment.unit_numbers
            numbers[live] = self.file_start[owner[live]] + offset[live]
            for array, name, kind in (
                (self.line, "unit_line", np.uint32),
                (self.last, "unit_last", np.uint32),
                (self.kind, "unit_kind", np.uint8),
                (self.length, "unit_length", np.uint32),
                (self.name_parts, "unit_name_parts", np.uint8),
            ):
                array[numbers[live]] = segment.ints(name, kind)[live]
            self.name_hash[numbers[live]] = segment.hashes("unit_name_hash")[live]
            parents = segment.ints("unit_parent", np.int32)[live]
            self.parent[numbers[live]] = np.where(parents >= 0, numbers[np.maximum(parents, 0)], -1)

    def _texts(self, name: str) -> list[str]:
        texts = [""] * len(self.line)
        for segment in self.segments:
            for number, text in zip(segment.unit_numbers.tolist(), segment.lines(name), strict=True):
                if number >= 0:
                    texts[number] = text
        return texts

    @cached_property
    def names(self) -> list[str]:
        """Name of each unit as written; "" for the rest of a module."""
        return self._texts("unit_names")

    @cached_property
    def bases(self) -> list[str]:
        """Names each class inherits from, tab-separated."""
        return self._texts("unit_bases")

    @cached_property
    def docs(self) -> list[str]:
        """First line of each unit's doc comment."""
        return self._texts("unit_docs")

    @cached_property
    def imports(self) -> list[list[str]]:
        """What each file imports, as written."""
        found: list[list[str]] = [[] for _ in self.paths]
        for segment in self.segments:
            for number, text in zip(segment.files.tolist(), segment.lines("imports"), strict=True):
                if number >= 0 and text:
                    found[number] = text.split("\t")
        return found

    @cached_property
    def graph(self) -> Graph:
        """Calls and inheritance among the code that is no test."""
        return Graph(self)

    @cached_property
    def namespace(self) -> Namespace:
        """Names of the candidates."""
        return Namespace(self)

    def kind_name(self, unit: int) -> str:
        return KINDS[int(self.kind[unit])]

    def qualified(self, unit: int) -> str:
        """`Class.method`; "" for the rest of a module."""
        parts = []
        while unit >= 0 and self.names[unit]:
            parts.append(self.names[unit])
            unit = int(self.parent[unit])
        return ".".join(reversed(parts))

    def occurrences(self, keys: Hashes, field: Field) -> Occurrences:
        """Where forms ("text", "name") or called names ("call") stand, in live files."""
        order = np.argsort(keys)
        found = []
        for segment in self.segments:
            asked, rows = match(keys[order], segment.hashes(f"{field}_hash"))
            found.append(segment.occurrences(order[asked], rows, field))
        return Occurrences(*(_joined([getattr(part, name) for part in found]) for name in ("asked", "unit", "times")))


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _once(listed: Listed) -> list[int]:
    """One path for each blob, the shortest: copies would only crowd a ranking. In the order of paths."""
    best: dict[tuple[int, int], int] = {}
    for number, place in enumerate(listed.places):
        key = (place.segment, place.place)
        if key not in best or len(listed.paths[number]) < len(listed.paths[best[key]]):
            best[key] = number
    return sorted(best.values(), key=lambda number: listed.paths[number])
