"""The shape of `runs/<id>/`: names, whole-or-nothing writes, and the log of events as they come.

Every file is complete at any instant: replaced by rename, or appended by whole lines. A killed run stays readable.
What was paid for is never removed: a folder goes on with its own question, and is refused to any other.
"""

import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.api import BadInput
from tasks.event import Event

MARK = "run.json"
ISSUE = "issue.json"
BASE = "base.txt"
FILES = (MARK, ISSUE, BASE, "issue.md", "events.jsonl", "patch.diff", "verdict.json", "trajectory.json")
FOLDERS = ("logs", "solver")
# What a run that goes on needs: its question, as frozen then, what the solver knows, its best patch so far.
KEPT = (MARK, ISSUE, BASE, "issue.md", "solver", "patch.diff")
NOTHING: Mapping[str, object] = {}


class RunDir:
    """One run's folder, held by one process at a time. Safe to share between threads; leaving it lets it go."""

    def __init__(self, path: Path, held: int, *, made: bool) -> None:
        self.path = path
        self.fresh = not (path / MARK).is_file()  # no earlier process has worked here
        self._held = held  # a descriptor of the folder, with the lock that ends with the process
        self._made = made
        self._started = time.monotonic()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, question: Mapping[str, object] = NOTHING) -> Self:
        """A folder for a run: new, empty, or one that an earlier run of the same question left. Nothing is removed.

        `question` is the part of what is asked that another answer would be needed for; `run.json` has it in `asked`.

        Raises:
            BadInput: another question or something else is in it, another process works there, or it cannot be
                written.
        """
        try:
            made = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            held = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _check(path, question)
        except BlockingIOError as error:
            os.close(held)
            raise BadInput(f"another solve works in {path}: wait for it, or give another folder with --out") from error
        except BaseException:
            os.close(held)
            raise
        return cls(path, held, made=made)

    def begin(self) -> Self:
        """Make the folder ready for work: what an earlier process left is removed, but for what is `KEPT`.

        Raises:
            BadInput: it cannot be written.
        """
        try:
            for scratch in self.path.glob(f".{MARK}.*"):
                remove(scratch)
            for name in (*FILES, *FOLDERS):
                if name not in KEPT:
                    remove(self.path / name)
            for name in FOLDERS:
                (self.path / name).mkdir(exist_ok=True)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        return self

    def discard(self) -> None:
        """Leave nothing of a run that was refused before it did any work; an earlier one's work stays."""
        if not self.fresh or any(entry for name in FOLDERS for entry in _entries(self.path / name)):
            return
        for name in (*FILES, *FOLDERS):
            remove(self.path / name)
        if self._made:
            self.path.rmdir()

    def close(self) -> None:
        os.close(self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, name: str, data: bytes) -> Path:
        """Replace one file, whole or not at all."""
        return replaced(self.path / name, data)

    def write_json(self, name: str, value: object) -> Path:
        return self.write(name, json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

    def record(self, event: Event) -> None:
        """Append one event with its time since the start; usable as a `Tell`."""
        row: dict[str, object] = {
            "at": round(time.monotonic() - self._started, 3),
            "stage": event.stage,
            "text": event.text,
        }
        row |= {"done": event.done, "total": event.total} if event.total else {}
        row |= {"data": dict(event.data)} if event.data else {}
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._lock:
            descriptor = os.open(self.path / "events.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)


def replaced(target: Path, data: bytes) -> Path:
    """Write one file, whole or not at all, over what was there."""
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    scratch.write_bytes(data)
    scratch.replace(target)
    return target


def sync_folder(folder: Path) -> None:
    """The names of its files are on disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def earlier(path: Path) -> dict[str, Any] | None:
    """What the run that left this folder was asked for; None if there was none, or its record is damaged."""
    try:
        row = json.loads((path / MARK).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    asked = row.get("asked") if isinstance(row, dict) else None
    return asked if isinstance(asked, dict) else None


def _check(path: Path, question: Mapping[str, object]) -> None:
    """Raises BadInput: the folder is somebody else's."""
    if not (path / MARK).is_file():
        if not all(map(_begun, path.iterdir())):
            raise BadInput(f"{path} is not empty and no run's folder: give another one with --out")
        return
    asked = earlier(path)
    if asked is None:
        raise BadInput(f"{path / MARK} is damaged: give another folder with --out")
    for name, value in question.items():
        if asked.get(name) != value:
            was = json.dumps(asked.get(name))[:80]
            raise BadInput(f"{path} holds a run of another question ({name} was {was}): give another folder with --out")


def _begun(entry: Path) -> bool:
    """Whether a run that was killed before it could put its mark there has left this: it holds nothing."""
    if entry.name in FOLDERS and entry.is_dir() and not entry.is_symlink():
        return not _entries(entry)
    return entry.name.startswith(f".{MARK}.")


def _unwritable(path: Path, error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return error  # the machine's fault
    return BadInput(f"cannot write {path} ({error.strerror}): give another folder with --out")


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def new_id(about: str, now: datetime | None = None) -> str:
    """A run's name: sorts by time, says what it is about, and does not collide."""
    words = re.sub(r"[^a-z0-9]+", "-", about.lower()).strip("-")[:40].rstrip("-")
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    return "-".join(part for part in (stamp, words, secrets.token_hex(2)) if part)
