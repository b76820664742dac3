"""The journal of a run: every completion and every tool's result, on disk before anything acts on it.

Appended and synced, mode 0600, exact, never exported. What it held when it was opened is played back before anything
is asked again: a killed run goes on without paying twice. `record.py` says what its rows are.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from agents.record import (
    Answer,
    AnyRow,
    Asked,
    Booked,
    Declined,
    Done,
    Failed,
    Json,
    Message,
    No,
    Recorded,
    Request,
    Start,
    read,
)
from agents.record import Answered as AnsweredRow
from tasks.limits import Amount
from tasks.rundir import sync_folder


class Journal:
    """Appends to one file. Safe to share between threads."""

    def __init__(self, path: Path, settings: Json) -> None:
        """Open or make the journal. Raises BadInput: the file is none."""
        self.path = path
        self._lock = threading.Lock()
        self._recorded = read(path) if path.exists() else Recorded()
        self.before = self._recorded.spent + self._recorded.lost  # to be booked before anything else is reserved
        self.settings = settings if self._recorded.settings is None else self._recorded.settings  # of its first start
        self._known = set(self._recorded.messages)
        self._calls = len(self._recorded.asked)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.ftruncate(self._file, self._recorded.length)  # a row that the end of the process cut short
        if self._recorded.settings is None:
            self._write(Start(settings=settings))
            sync_folder(path.parent)

    def spent(self, seat: str) -> Amount:
        """What a seat used before this journal was opened."""
        return self._recorded.seats[seat]

    def take(self, request: Request) -> Answer | Declined | None:
        """The next recorded answer to this very request; each is given once."""
        with self._lock:
            waiting = self._recorded.answers.get(request.key)
            return waiting.popleft() if waiting else None

    def asked(self, request: Request, reserved: Amount) -> int:
        """Before a call: that it is made, and what it may cost at most. Returns the number to end it by."""
        with self._lock:
            number = self._calls
            self._calls += 1
            named = dict(zip(request.hashes, request.messages, strict=True))
            fresh = [Message(hash=name, message=named[name]) for name in named if name not in self._known]
            self._known.update(named)
            row = Asked(
                call=number,
                key=request.key,
                seat=request.seat,
                messages=request.hashes,
                options=request.options,
                reserved=Booked.of(reserved),
                at=round(time.time(), 6),
            )
            self._write(*fresh, row)
            return number

    def answered(self, number: int, answer: Answer) -> None:
        """A call's reply. It is on disk when this returns."""
        row = AnsweredRow(
            call=number, reply=answer.reply, used=Booked.of(answer.used), seconds=round(answer.seconds, 3)
        )
        with self._lock:
            self._write(row)

    def failed(self, number: int, why: str, used: Amount, no: No | None = None) -> None:
        """A call without a reply, and what it is booked at; `no`: what the server declined it for."""
        with self._lock:
            self._write(Failed(call=number, why=why, used=Booked.of(used), no=no))

    def remember(self, seat: str, number: int, key: str, make: Callable[[], Json]) -> Json:
        """What was brought then, if the seat did the same thing under this number; else what `make` brings now.

        It is on disk when this returns, so that a resumed run sends what was sent before.
        """
        found = self._recorded.results.get((seat, number))
        if found is not None and found.key == key:
            return found.result
        result = make()
        with self._lock:
            self._write(Done(seat=seat, number=number, key=key, result=result))
        return result

    def close(self) -> None:
        with self._lock:
            os.close(self._file)

    def _write(self, *rows: AnyRow) -> None:
        data = b"".join(json.dumps(row.model_dump(mode="json")).encode() + b"\n" for row in rows)
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
