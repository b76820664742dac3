"""The shape of `runs/<id>/`: names, whole-or-nothing writes, and the log of events as they come.

Every file is complete at any instant: replaced by rename, or appended by whole lines. A killed run stays readable.
"""

import json
import os
import re
import secrets
import shutil
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox.api import BadInput
from tasks.event import Event

MARK = "run.json"
FILES = (MARK, "issue.md", "events.jsonl", "patch.diff", "verdict.json", "trajectory.json")
FOLDERS = ("logs", "solver")


class RunDir:
    """One run's folder. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started = time.monotonic()
        self._lock = threading.Lock()

    @classmethod
    def create(cls, path: Path) -> "RunDir":
        """A folder for a new run: fresh, empty, or one that an earlier run left, whose files are then removed.

        Raises:
            BadInput: something else is in it, or it cannot be written.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()) and not (path / MARK).is_file():
                raise BadInput(f"{path} is not empty and no run's folder: give another one with --out")
            for name in FILES:
                (path / name).unlink(missing_ok=True)
            for name in FOLDERS:
                shutil.rmtree(path / name, ignore_errors=True)
                (path / name).mkdir()
        except OSError as error:
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


def new_id(about: str, now: datetime | None = None) -> str:
    """A run's name: sorts by time, says what it is about, and does not collide."""
    words = re.sub(r"[^a-z0-9]+", "-", about.lower()).strip("-")[:40].rstrip("-")
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    return "-".join(part for part in (stamp, words, secrets.token_hex(2)) if part)
