"""A child process that turns batches of files into segments: `python -m agents.index.worker`.

It reads bytes and writes bytes, opens no file and has no network to speak to; grammars are C, and what kills one kills
only this child. A frame is a line of JSON and the bytes it announces:

    in    {"sources": [[blob, language, size], ...]}      out   {"columns": [[name, size], ...]}
"""

import gc
import json
import os
import resource
import sys
from typing import IO

from agents.index.segment import Columns, Source, build_segment
from agents.index.vocabulary import Vocabulary
from sandbox.api import MEBIBYTE

MEMORY = 2048 * MEBIBYTE  # address space of a child


def write_sources(stream: IO[bytes], sources: list[Source]) -> None:
    head = {"sources": [[source.blob, source.language, len(source.data)] for source in sources]}
    stream.write(json.dumps(head).encode() + b"\n")
    for source in sources:
        stream.write(source.data)
    stream.flush()


def read_sources(stream: IO[bytes]) -> list[Source]:
    """The next batch; empty at the end."""
    line = stream.readline()
    if not line:
        return []
    return [Source(blob, language, stream.read(size)) for blob, language, size in json.loads(line)["sources"]]


def write_columns(stream: IO[bytes], columns: Columns) -> None:
    stream.write(json.dumps({"columns": [[name, len(data)] for name, data in columns.items()]}).encode() + b"\n")
    for data in columns.values():
        stream.write(data)
    stream.flush()


def read_columns(stream: IO[bytes]) -> Columns:
    """Raises EOFError if the child ended before it had written all."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    columns = {str(name): stream.read(int(size)) for name, size in json.loads(line)["columns"]}
    if any(len(columns[name]) != size for name, size in json.loads(line)["columns"]):
        raise EOFError
    return columns


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    gc.disable()  # nothing here makes cycles, and nodes and matches come by the million
    vocabulary = Vocabulary()
    while sources := read_sources(sys.stdin.buffer):
        if vocabulary.full():
            vocabulary = Vocabulary()
        try:
            columns = build_segment(sources, vocabulary)
        except MemoryError:
            os.abort()  # a file's fault, as when a grammar runs out of it; any other exception is a bug of ours
        write_columns(sys.stdout.buffer, columns)


if __name__ == "__main__":
    main()
