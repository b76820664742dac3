"""The shape of `runs/<id>/`: names, whole-or-nothing writes, and the log of events as they come.

Every file is complete at any instant: replaced by rename, or appended by whole lines. A killed run stays readable.
"""

import errno
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

from sandbox.api import BadInput
from tasks.event import Event

MARK = "run.json"
ISSUE = "issue.json"
FILES = (MARK, ISSUE, "issue.md", "events.jsonl", "patch.diff", "verdict.json", "trajectory.json")
FOLDERS = ("logs", "solver")
KEPT = (ISSUE, "solver", "patch.diff")  # the issue as it was frozen, what the solver needs to go on, its best so far


class RunDir:
    """One run's folder. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started = time.monotonic()
        self._lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, asked: Mapping[str, object] | None = None) -> "RunDir":
        """A folder for a run: fresh, empty, or one that an earlier run left.

        Where the earlier run was `asked` for the same, the new one goes on: what is `KEPT` stays. All else is removed.

        Raises:
            BadInput: something else is in it, or it cannot be written.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()) and not (path / MARK).is_file():
                raise BadInput(f"{path} is not empty and no run's folder: give another one with --out")
            kept = KEPT if asked is not None and asked == earlier(path) else ()
            for name in (*FILES, *FOLDERS):
                if name not in kept:
                    remove(path / name)
            for name in FOLDERS:
                (path / name).mkdir(exist_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # the machine's fault
            raise BadInput(f"cannot write {path} ({error.strerror}): give another folder with --out") from error
        return cls(path)

    def write(self, name: str, data: bytes) -> Path:
        """Replace one file, whole or not at all."""
        target = self.path / name
        scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        scratch.write_bytes(data)
        scratch.replace(target)
        return target

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


def earlier(path: Path) -> object:
    """What the run that left this folder was asked for; None if there was none, or its record is damaged."""
    try:
        row = json.loads((path / MARK).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return row.get("asked") if isinstance(row, dict) else None


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
