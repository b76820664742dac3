"""Bring a store up to date with a tree: what it does not know yet is read, parsed and kept."""

import os
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from agents.index.languages import language_of
from agents.index.segment import Columns, Source, build_segment
from agents.index.skipping import as_utf8, skip_content, skip_path
from agents.index.store import Place, Store
from agents.index.tree import Entry, Tree
from agents.index.vocabulary import Vocabulary
from agents.index.worker import read_columns, write_sources
from sandbox.api import MEBIBYTE

BATCH = 4 * MEBIBYTE  # of source, for one segment
ALONE = 2 * MEBIBYTE  # of source, up to which no process is started
MOST_SEGMENTS = 24  # of one snapshot; beyond, all but FEW_SEGMENTS are made into one
FEW_SEGMENTS = 8
PATIENCE = 300.0  # seconds for one batch; then its slowest file is sought, and skipped

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
        done = 0
        for finished in _segments(
            tree, [(language, entry) for (_, language), entry in new.items()], workers or _processors()
        ):
            done += finished.keep(store)
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


@dataclass(frozen=True, slots=True)
class _Finished:
    columns: Columns | None
    sources: tuple[tuple[str, str], ...]  # blob, language
    skipped: tuple[tuple[str, str, str], ...]

    def keep(self, store: Store) -> int:
        if self.columns is not None and self.sources:
            store.add(self.columns, self.sources)
        if self.skipped:
            store.skip(self.skipped)
        return len(self.sources) + len(self.skipped)


def _segments(tree: Tree, new: list[tuple[str, Entry]], workers: int) -> Iterator[_Finished]:
    total = sum(max(0, entry.size) for _, entry in new)
    if total <= ALONE:
        sources, skipped = _sources(tree, new)
        yield _Finished(build_segment(sources, Vocabulary()) if sources else None, _keys(sources), skipped)
        return
    with ThreadPoolExecutor(workers, "index") as threads, _Children() as children:
        running: deque[Future[list[_Finished]]] = deque()
        for batch in _batches(new, total, workers):
            sources, skipped = _sources(tree, batch)
            yield _Finished(None, (), skipped)
            running.append(threads.submit(children.build, sources))
            while len(running) > workers:
                yield from running.popleft().result()
        while running:
            yield from running.popleft().result()


def _batches(new: list[tuple[str, Entry]], total: int, workers: int) -> Iterator[list[tuple[str, Entry]]]:
    """Equal shares of at most BATCH bytes, as many as keep every worker busy to the end."""
    rounds = -(-total // (BATCH * workers))
    share = total / (rounds * workers)
    batch: list[tuple[str, Entry]] = []
    size = 0.0
    for language, entry in new:
        batch.append((language, entry))
        size += max(0, entry.size)
        if size >= share:
            yield batch
            batch, size = [], size - share
    if batch:
        yield batch


def _sources(tree: Tree, batch: list[tuple[str, Entry]]) -> tuple[list[Source], tuple[tuple[str, str, str], ...]]:
    languages = {(entry.blob, entry.path): language for language, entry in batch}
    sources: list[Source] = []
    skipped: list[tuple[str, str, str]] = []
    for entry, raw in tree.read([entry for _, entry in batch]):
        language, data = languages[entry.blob, entry.path], as_utf8(raw)
        if why := skip_content(data):
            skipped.append((entry.blob, language, why))
        else:
            sources.append(Source(entry.blob, language, data))
    return sources, tuple(skipped)


def _keys(sources: Iterable[Source]) -> tuple[tuple[str, str], ...]:
    return tuple((source.blob, source.language) for source in sources)


class _Children:
    """One child process for each thread that asks. A batch that ends its child is halved until the file is found."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []

    def build(self, sources: list[Source]) -> list[_Finished]:
        if not sources:
            return []
        try:
            return [_Finished(self._ask(sources), _keys(sources), ())]
        except (EOFError, BrokenPipeError) as ended:
            status = self._mine.child.wait()
            self._end(self._mine.child)
            del self._mine.child
            if status >= 0:
                raise RuntimeError(
                    "the indexing process ended by an error of its own; its traceback is above"
                ) from ended
        if len(sources) == 1:
            return [
                _Finished(None, (), ((sources[0].blob, sources[0].language, "its parser fails or takes too long"),))
            ]
        middle = len(sources) // 2
        return self.build(sources[:middle]) + self.build(sources[middle:])

    def _ask(self, sources: list[Source]) -> Columns:
        child = self._child()
        assert child.stdin
        assert child.stdout
        watch = threading.Timer(PATIENCE, child.kill)
        watch.start()
        try:
            write_sources(child.stdin, sources)
            return read_columns(child.stdout)
        finally:
            watch.cancel()

    def _child(self) -> subprocess.Popen[bytes]:
        child: subprocess.Popen[bytes] | None = getattr(self._mine, "child", None)
        if child is None:
            command = [sys.executable, "-m", "agents.index.worker"]
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            self._mine.child = child
            self._all.append(child)
        return child

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:  # what was still buffered for it
                    continue

    def __enter__(self) -> "_Children":
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._all:
            self._end(child)
