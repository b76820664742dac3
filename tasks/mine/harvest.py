"""What mining has seen so far: one line for each change, so that a harvest goes on where it stopped.

`harvest.jsonl` is appended to; a machine's failure is the one thing that is tried again.
"""

import fcntl
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.api import BadInput
from tasks.rundir import replaced

FILE, SUITE, PINNED = "harvest.jsonl", "suite.jsonl", "releases.jsonl"
Stage = Literal["seen", "candidate", "validated"]


class Seen(BaseModel):
    """One change: how far it came, and why no further."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    stage: Stage
    why: str = ""
    machine: bool = False  # what stopped it says nothing about the change
    print: str = ""  # of its source, to know it again
    seconds: float = 0.0
    row: dict[str, Any] | None = None  # in the field's names


class Harvest:
    """The folder of a harvest, held by one process until it ends. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises BadInput: another process or something else is in the folder, or it cannot be written."""
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / FILE).exists() and any(path.name != "logs" for path in folder.iterdir()):
                raise BadInput(f"{folder} is not empty and has no {FILE}: give another folder with --out")
            self._held = (folder / FILE).open("ab", buffering=0)
        except OSError as error:
            raise BadInput(f"cannot write {folder} ({error.strerror}): give another folder with --out") from error
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise BadInput(f"another solve mines into {folder}: wait for it, or give another --out") from error
        self.lines: dict[str, Seen] = {}
        for line in (folder / FILE).read_bytes().splitlines():
            try:
                seen = Seen.model_validate_json(line)
            except ValidationError:  # torn by a kill: its change is looked at again
                continue
            self.lines[seen.id] = seen

    def settled(self, name: str) -> bool:
        return name in self.lines and not self.lines[name].machine

    def add(self, seen: Seen) -> None:
        self._held.write(b"\n" + seen.model_dump_json().encode() + b"\n")  # a line before it may be torn
        self.lines[seen.id] = seen

    def close(self) -> None:
        self._held.close()

    def prints(self) -> set[str]:
        return {seen.print for seen in self.lines.values() if seen.print}

    def rows(self) -> list[dict[str, Any]]:
        return [seen.row for seen in self.lines.values() if seen.row is not None]

    def write_suite(self) -> Path:
        """The validated rows as a benchmark file, newest first; those of releases also without anybody's code."""
        rows = sorted(self.rows(), key=lambda row: str(row["created_at"]), reverse=True)
        pinned = [without_code(row) for row in rows if row.get("release")]
        if pinned:
            replaced(self.folder / PINNED, lined(pinned))
        return replaced(self.folder / SUITE, lined(rows))

    def told(self) -> str:
        """The yield so far."""
        counts = Counter(seen.stage for seen in self.lines.values())
        total, rows = sum(counts.values()), counts["validated"]
        return f"{total} seen, {total - counts['seen']} candidates, {rows} validated"

    def fallen(self) -> list[tuple[str, str, int]]:
        """Where and why the others fell, the most frequent first."""
        counts = Counter(
            (seen.stage, seen.why.partition(":")[0]) for seen in self.lines.values() if seen.stage != "validated"
        )
        return [(stage, why, count) for (stage, why), count in counts.most_common()]


def without_code(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with names, hashes and words alone: its patches are those of the two releases that it names."""
    return {name: value for name, value in row.items() if name not in ("patch", "test_patch")}


def lined(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "surrogateescape")
