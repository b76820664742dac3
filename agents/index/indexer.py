"""Files → segments, in child processes: the binding holds the interpreter's lock while it parses."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from agents.index.segment import Columns, Source, build_segment
from agents.index.skipping import as_utf8, skip_content
from agents.index.store import Store
from agents.index.tree import Entry, Tree
from agents.index.vocabulary import Vocabulary
from agents.index.worker import read_columns, write_sources
from sandbox.api import MEBIBYTE

BATCH = 4 * MEBIBYTE  # of source, at most, for one segment
SMALL = MEBIBYTE  # of source, at least, but for the last
ALONE = 2 * MEBIBYTE  # of source, up to which no process is started
PATIENCE = 300.0  # seconds for one batch; then its slowest file is sought, and skipped


@dataclass(frozen=True, slots=True)
class Finished:
    columns: Columns | None
    sources: tuple[tuple[str, str], ...]  # blob, language
    skipped: tuple[tuple[str, str, str], ...]

    def keep(self, store: Store, over: Collection[int]) -> int:
        """`over`: the segments that the files leave, if they were in one. How many files that was."""
        if self.columns is not None and self.sources:
            store.add(self.columns, self.sources, over)
        if self.skipped:
            store.skip(self.skipped)
        return len(self.sources) + len(self.skipped)


def segments(tree: Tree, new: list[tuple[str, Entry]], workers: int) -> Iterator[Finished]:
    """Of files with their languages, in the order of batches; what is left out is in them too."""
    total = sum(max(0, entry.size) for _, entry in new)
    if total <= ALONE:
        sources, skipped = _sources(tree, new)
        yield Finished(build_segment(sources, Vocabulary()) if sources else None, _keys(sources), skipped)
        return
    with ThreadPoolExecutor(workers, "index") as threads, _Children(workers) as children:
        running: deque[Future[list[Finished]]] = deque()
        for batch in _batches(new, total, workers):
            sources, skipped = _sources(tree, batch)
            yield Finished(None, (), skipped)
            running.append(threads.submit(children.build, sources))
            while len(running) > workers:
                yield from running.popleft().result()
        while running:
            yield from running.popleft().result()


def _batches(new: list[tuple[str, Entry]], total: int, workers: int) -> Iterator[list[tuple[str, Entry]]]:
    """Ever smaller shares of what is left, so that all workers end at about the same time: guided self-scheduling
    (Polychronopoulos and Kuck 1987), with shares of half its size."""
    batch: list[tuple[str, Entry]] = []
    size, left = 0, total
    for language, entry in new:
        batch.append((language, entry))
        size += max(0, entry.size)
        if size >= min(BATCH, max(SMALL, left // (2 * workers))):
            yield batch
            left -= size
            batch, size = [], 0
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

    def __init__(self, ahead: int) -> None:
        """`ahead`: how many to start at once, so that they are ready when the first files are read."""
        self._mine = threading.local()
        self._all = [_start() for _ in range(ahead)]
        self._idle = [*self._all]

    def build(self, sources: list[Source]) -> list[Finished]:
        if not sources:
            return []
        try:
            return [Finished(self._ask(sources), _keys(sources), ())]
        except (EOFError, BrokenPipeError) as ended:
            status = self._mine.child.wait()
            self._end(self._mine.child)
            del self._mine.child
            if status >= 0:
                raise RuntimeError(
                    "the indexing process ended by an error of its own; its traceback is above"
                ) from ended
        if len(sources) == 1:
            return [Finished(None, (), ((sources[0].blob, sources[0].language, "its parser fails or takes too long"),))]
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
            try:
                child = self._idle.pop()
            except IndexError:  # one has ended
                child = _start()
                self._all.append(child)
            self._mine.child = child
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


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "agents.index.worker"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
