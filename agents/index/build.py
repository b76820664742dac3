"""Bring a store up to date with a tree: what it does not know yet is read, parsed and kept."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.index.languages import language_of
from agents.index.skipping import skip_path
from agents.index.store import Place, Store
from agents.index.tree import Entry, Tree

MOST_SEGMENTS = 24  # of one snapshot; beyond, all but FEW_SEGMENTS are made into one
FEW_SEGMENTS = 8

Tell = Callable[[int, int], None]  # files done, files to do


def silent(_done: int, _total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Listed:
    """A tree, indexed: where each path's blob is, and what was left out and why."""

    paths: tuple[str, ...]
    blobs: tuple[str, ...]
    places: tuple[Place, ...]
    skipped: tuple[tuple[str, str], ...]  # path, why
    parsed: int  # files that were not known before


def update(store: Store, tree: Tree, *, tell: Tell = silent, workers: int = 0) -> Listed:
    """Index what `store` does not know of `tree`. `workers` processes; 0: as many as there are processors."""
    wanted, skipped = _wanted(tree.entries)
    known = store.places()
    scattered = _scattered([place for entry, language in wanted if (place := known.get((entry.blob, language)))])
    new = {
        (entry.blob, language): entry
        for entry, language in wanted
        if (place := known.get((entry.blob, language))) is None or place.segment in scattered
    }
    if new:
        from agents.index.indexer import segments  # a query that finds all indexed is spared it

        done = 0
        files = [(language, entry) for (_, language), entry in new.items()]
        for finished in segments(tree, files, workers or _processors()):
            done += finished.keep(store, scattered)
            tell(done, len(new))
        known = store.places()
    found = [(entry, known[entry.blob, language]) for entry, language in wanted if (entry.blob, language) in known]
    listed = [(entry, place) for entry, place in found if not place.skipped]
    store.used({place.segment for _, place in listed})
    return Listed(
        tuple(entry.path for entry, _ in listed),
        tuple(entry.blob for entry, _ in listed),
        tuple(place for _, place in listed),
        tuple(skipped + [(entry.path, place.skipped) for entry, place in found if place.skipped]),
        len(new),
    )


def _scattered(places: Sequence[Place]) -> set[int]:
    """The smallest of too many segments: their files are put together anew, so that a query stays quick."""
    files = Counter(place.segment for place in places if not place.skipped)
    return {segment for segment, _ in files.most_common()[FEW_SEGMENTS:]} if len(files) > MOST_SEGMENTS else set()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wanted(entries: Sequence[Entry]) -> tuple[list[tuple[Entry, str]], list[tuple[str, str]]]:
    wanted: list[tuple[Entry, str]] = []
    skipped: list[tuple[str, str]] = []
    for entry in entries:
        if why := skip_path(entry):
            skipped.append((entry.path, why))
        else:
            wanted.append((entry, language_of(entry.path)))
    return wanted, skipped
