"""`lock.json` of a batch: digests of what its results rest on. Going on under others is refused, with the difference.

What a run may grow by is no difference: a model more, an image made since. What was recorded must be the same.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.api import BadInput
from tasks.rundir import replaced

FILE = "lock.json"


class Lock(BaseModel):
    """Each part by name → digest, or the value itself where it is short."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Mapping[str, str]  # by model, and "run" for what holds for all
    tasks: Mapping[str, str]  # by row
    images: Mapping[str, str]  # base images by tag
    prompts: Mapping[str, str]  # by file
    code: Mapping[str, str]  # by room

    def differences(self, now: "Lock") -> list[str]:
        """One line for each part that was recorded and is another now; only tasks may not be more than they were."""
        found: list[str] = []
        for part in type(self).model_fields:
            before: Mapping[str, str] = getattr(self, part)
            after: Mapping[str, str] = getattr(now, part)
            names = set(before) & set(after)
            if part == "tasks":
                names = set(before) | set(after)
            elif part in ("prompts", "code"):
                names = set(before)
            found += [
                f"{part} {name}: was {before.get(name, 'not there')}, is {after.get(name, 'not there')}"
                for name in sorted(names)
                if before.get(name) != after.get(name)
            ]
        return found

    def joined(self, now: "Lock") -> "Lock":
        """With what the run grew by."""
        parts = {part: {**getattr(now, part), **getattr(self, part)} for part in type(self).model_fields}
        return Lock.model_validate(parts)


def hold(folder: Path, now: Lock) -> None:
    """Record what the run rests on, or make sure that it still does.

    Raises:
        BadInput: it does not; says what is different.
    """
    path = folder / FILE
    try:
        before = Lock.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        before = now
    except ValidationError as error:
        raise BadInput(f"{path} is damaged: begin anew with another --out") from error
    different = before.differences(now)
    if different:
        shown = "; ".join(different[:5]) + (f"; and {len(different) - 5} more" if len(different) > 5 else "")
        raise BadInput(f"{folder} was begun under other conditions ({shown}): restore them, or give another --out")
    joined = before.joined(now)
    if joined != before or not path.exists():
        replaced(path, joined.model_dump_json(indent=1).encode() + b"\n")


def digest(value: object) -> str:
    """Of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def digest_files(folder: Path, patterns: Iterable[str]) -> dict[str, str]:
    """By path below the folder, of every file that a pattern finds."""
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in paths}
