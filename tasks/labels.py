"""What people think of attempts: one JSON line each, beside the attempts that they judged."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.api import BadInput
from tasks.results import Result

FILE = "labels.jsonl"
Opinion = Literal["accept", "reject", "unsure"]
Key = tuple[str, str, int, str]  # row, model, run, its patch


class Label(BaseModel):
    """One person's word on one attempt. It holds for that very patch."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    instance_id: str
    model_name_or_path: str
    run: int
    patch: str  # digest of its text
    verdict: Opinion
    tags: tuple[str, ...] = ()
    note: str = ""
    by: str
    at: str  # ISO 8601, UTC

    @property
    def key(self) -> Key:
        return self.instance_id, self.model_name_or_path, self.run, self.patch


def key_of(result: Result) -> Key:
    return result.instance_id, result.model_name_or_path, result.run, print_of(result.model_patch)


def print_of(patch: str) -> str:
    return hashlib.sha256(patch.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Labels:
    """The file of a run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def add(self, label: Label) -> None:
        """Raises BadInput: the folder cannot be written."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise BadInput(f"cannot write {self.path} ({error.strerror})") from error
        try:
            os.write(descriptor, label.model_dump_json().encode() + b"\n")
        finally:
            os.close(descriptor)

    def read(self) -> list[Label]:
        """The last word of each person on each attempt.

        Raises:
            BadInput: a line is no label.
        """
        if not self.path.is_file():
            return []
        found: dict[tuple[Key, str], Label] = {}
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            try:
                label = Label.model_validate_json(line)
            except ValidationError as problem:
                raise BadInput(f"{self.path}, line {number} is no label: {problem.errors()[0]['msg']}") from None
            found[label.key, label.by] = label
        return list(found.values())


def read_labels(folders: Iterable[Path]) -> list[Label]:
    return [label for folder in folders for label in Labels(folder).read()]
