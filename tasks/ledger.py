"""The ledger of a batch: an append-only file with one line for each change of state of an attempt.

A line is a JSON object that ends with the CRC-32 of all before it, and it is on disk when `append` returns. Lines are
numbered, so that one that is missing is missed. A last line that was cut short never took place; any other damage is
named by its line and refused, because what it said is not known.
"""

import fcntl
import os
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.api import BadInput
from tasks.causes import Early
from tasks.collector import no_collector
from tasks.rundir import sync_folder

FILE = "ledger.jsonl"
VERSION = 1
Key = tuple[str, str, int]  # row, model, run
State = Literal["planned", "solving", "solved", "grading", "graded", "failed"]
SEAL = len(b',"crc":"00000000"}')


class Line(BaseModel):
    """One change of state. `result` holds fields of `tasks.results.Result`: what the state added to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = -1  # given by the ledger
    at: float  # seconds since the epoch
    state: State
    key: Key = ("", "", 0)  # of no attempt: "planned" is about the run
    attempt: int = 1  # which try of it, over all starts
    early: Early | None = None  # failed: the cause
    last: bool = False  # failed: not tried again in this start
    reason: str = ""
    result: dict[str, Any] = Field(default_factory=dict)  # a default that is there is copied deeply, line by line


@dataclass(frozen=True, slots=True)
class Damage:
    number: int  # of the line, from 1
    why: str


@dataclass(frozen=True, slots=True)
class Read:
    """What a ledger's file holds."""

    lines: Sequence[Line]
    damage: Sequence[Damage]
    length: int  # bytes up to the end of the last line that ends
    torn: bytes  # what follows it


class Ledger:
    """Appends to one file, for one process at a time. Safe to share between threads."""

    def __init__(self, folder: Path, *, salvage: bool = False) -> None:
        """Open or make it; heals a half last line, and with `salvage` leaves out damaged ones.

        Raises:
            BadInput: another process appends to it, or a line is damaged.
        """
        self.path = folder / FILE
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            self._only_one()
            self.lines = list(self._healed(salvage))
        except BaseException:
            os.close(self._file)
            raise
        self._count = len(self.lines)
        self._waiting: list[bytes] = []
        self._asked = self._durable = 0
        self._buffer, self._disk = threading.Lock(), threading.Lock()
        self._closed = False
        sync_folder(folder)

    def append(self, *lines: Line) -> None:
        """On disk when this returns. Threads that come while the disk is busy share the next sync.

        Raises:
            OSError: it could not be written; nothing of it stands then.
            ValueError: the ledger is closed.
        """
        with self._buffer:
            for line in lines:
                self._waiting.append(sealed(line.model_copy(update={"n": self._count})))
                self._count += 1
            self._asked += 1
            ticket = self._asked
        with self._disk:
            if self._durable >= ticket:
                return
            with self._buffer:
                data, upto = b"".join(self._waiting), self._asked
                self._waiting = []
            self._write(data)
            self._durable = upto

    def close(self) -> None:
        with self._disk:
            if not self._closed:
                self._closed = True
                os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        if self._closed:
            raise ValueError("the ledger is closed")
        end = os.lseek(self._file, 0, os.SEEK_END)
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError:
            # Others may have put lines behind the lost ones: none can be appended any more, the file stays whole.
            self._closed = True
            with suppress(OSError):  # the next start heals what this cannot
                os.ftruncate(self._file, end)
            os.close(self._file)
            raise

    def _only_one(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"another `solve bench` works on {self.path.parent}: wait for it, or stop it") from None

    def _healed(self, salvage: bool) -> Sequence[Line]:
        found = parse(self.path.read_bytes())
        if found.damage:
            if not salvage:
                first = found.damage[0]
                more = f" and {len(found.damage) - 1} more" if len(found.damage) > 1 else ""
                raise BadInput(
                    f"{self.path} is damaged in line {first.number}{more} ({first.why}): what it said is lost; "
                    "with --salvage such lines are left out, and what is no longer known to be done is done again"
                )
            return self._salvaged(found.lines)
        if found.torn:
            os.ftruncate(self._file, found.length)
            os.fsync(self._file)
        return found.lines

    def _salvaged(self, lines: Sequence[Line]) -> Sequence[Line]:
        """The sound lines, renumbered; the damaged file is kept beside them."""
        kept = self.path.with_name(f"{FILE}.damaged-{time.time_ns()}")
        renumbered = [line.model_copy(update={"n": number}) for number, line in enumerate(lines)]
        scratch = self.path.with_name(f".{FILE}.salvaged")
        with scratch.open("wb") as file:
            file.writelines(sealed(line) for line in renumbered)
            file.flush()
            os.fsync(file.fileno())
        os.link(self.path, kept)
        scratch.replace(self.path)
        os.close(self._file)
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND)
        self._only_one()
        return renumbered


def sealed(line: Line) -> bytes:
    """The line as it stands in the file."""
    text = line.model_dump_json(exclude_defaults=True).encode()[:-1]
    return b'%s,"crc":"%08x"}\n' % (text, zlib.crc32(text))


def parse(data: bytes) -> Read:
    """What a file holds (pure). A reader may come while a line is being written: a half last line is no damage."""
    lines: list[Line] = []
    damage: list[Damage] = []
    length, expected = 0, 0
    with no_collector():
        for number, (raw, end) in enumerate(_lines(data), 1):
            line = unsealed(raw)
            if line is None:
                damage.append(Damage(number, "it does not say what was written"))
                expected += 1
            else:
                if line.n != expected:
                    damage.append(Damage(number, f"line {expected + 1} should stand here, and {line.n + 1} does"))
                lines.append(line)
                expected = line.n + 1
            length = end
    return Read(lines, damage, length, data[length:])


def unsealed(raw: bytes) -> Line | None:
    """The line without its newline; None unless it is exactly as it was written."""
    text, seal = raw[:-SEAL], raw[-SEAL:]
    if seal != b',"crc":"%08x"}' % zlib.crc32(text):
        return None
    try:
        return Line.model_validate_json(text + b"}")
    except ValidationError:
        return None


def read(folder: Path) -> Read:
    """The ledger of a run, which may be running: nothing is healed.

    Raises:
        BadInput: there is none.
    """
    try:
        return parse((folder / FILE).read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read {folder / FILE} ({error.strerror}): name a folder of `solve bench`") from error


def _lines(data: bytes) -> Iterator[tuple[bytes, int]]:
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end], end + 1
        start = end + 1
