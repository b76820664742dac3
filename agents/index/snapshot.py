"""A repository in one state, ready to be asked: its files and units as arrays, over the segments of a store.

Units of all live files are numbered in one row, file by file in the order of paths; `Snapshot.occurrences` answers
where words stand, in those numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.index.arrays import Ints, Mask, ranges
from agents.index.build import Listed
from agents.index.graph import Graph
from agents.index.languages import PROSE, language_of
from agents.index.namespace import Namespace
from agents.index.parse import KINDS
from agents.index.store import Store

TEST = re.compile(
    r"^(?:testing|test|tests|__tests__|spec)/|/(?:test|tests|__tests__|spec)/"
    r"|(?:^|/)(?:test_[^/]*|tests?|[^/]*_test|conftest)\.\w+$|(?:^|/)[^/]*(?:\.test|\.spec|_spec|Tests?)\.\w+$"
)


def is_test(path: str) -> bool:
    return TEST.search(path) is not None


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Postings: form number, unit, how often; of the code or of the doc comments."""

    form: Ints
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

    @cached_property
    def forms(self) -> dict[bytes, int]:
        return {form: place for place, form in enumerate(self.columns["forms"].split(b"\n"))}

    @cached_property
    def words(self) -> list[bytes]:
        return self.columns["words"].split(b"\n")

    @cached_property
    def form_words(self) -> tuple[Ints, Ints]:
        return self.ints("form_at"), self.ints("form_words")

    def postings(self, field: str) -> tuple[Ints, NDArray[np.uint32], NDArray[np.uint8]]:
        return (
            self.ints(f"{field}_at"),
            np.frombuffer(self.columns[f"{field}_unit"], np.uint32),
            np.frombuffer(self.columns[f"{field}_times"], np.uint8),
        )

    def lines(self, name: str) -> list[str]:
        return self.columns[name].decode("utf-8", "replace").split("\n")


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
        return Graph(self, self.candidates)

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

    def occurrences(self, forms: Sequence[str], field: str) -> Occurrences:
        """Where words stand that have one of these forms, in live files. One row for each word of a unit."""
        found: list[tuple[Ints, Ints, Ints]] = []
        keys = [form.encode() for form in forms]
        for segment in self.segments:
            at, words = segment.form_words
            hits = [(number, place) for number, key in enumerate(keys) if (place := segment.forms.get(key)) is not None]
            if not hits:
                continue
            numbers, places = np.array(hits).T
            form, row = ranges(numbers, at[places], at[places + 1])
            word_at, units, times = segment.postings(field)
            starts = words[row]
            form, row = ranges(form, word_at[starts], word_at[starts + 1])
            unit = segment.unit_numbers[units[row]]
            live = unit >= 0
            found.append((form[live], unit[live], times[row][live].astype(np.int64)))
        if not found:
            nothing = np.zeros(0, np.int64)
            return Occurrences(nothing, nothing, nothing)
        form, unit, count = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return Occurrences(form, unit, count)


def _once(listed: Listed) -> list[int]:
    """One path for each blob, the shortest: copies would only crowd a ranking. In the order of paths."""
    best: dict[tuple[int, int], int] = {}
    for number, place in enumerate(listed.places):
        key = (place.segment, place.place)
        if key not in best or len(listed.paths[number]) < len(listed.paths[best[key]]):
            best[key] = number
    return sorted(best.values(), key=lambda number: listed.paths[number])
