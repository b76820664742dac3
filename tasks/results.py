"""`results.jsonl`: one row for every graded attempt, in the field's names where the field has them."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.testlog import Status
from tasks.causes import Early
from tasks.row import Row
from tasks.score import Applied, Cause, Outcome
from tasks.task import Ended

FILE = "results.jsonl"
Key = tuple[str, str, str, int]


class Result(BaseModel):
    """One graded attempt. Dollars are None where a price is unknown: never a silent zero."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    instance_id: str
    model_name_or_path: str
    model_patch: str
    run: int = 1  # which of several attempts at this row, from 1
    repository: str = ""
    suite: str = ""  # its digest
    settings: str = ""  # digest of what the solver was told to do
    snapshot: str = ""  # what the server says it ran
    ended: Ended = "patched"
    early: Early | None = None  # what ended it before its time

    outcome: Outcome
    cause: Cause = ""
    reason: str = ""
    flagged: tuple[str, ...] = ()
    applied: Applied = "nothing to apply"
    dropped: tuple[str, ...] = ()
    fail_to_pass: dict[str, Status] = Field(default_factory=dict)
    not_kept: tuple[str, ...] = ()
    flaky: bool = False  # the row's own answer does not always end the same
    published: bool | None = None  # a verdict that came with the prediction

    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    dollars: float | None = None
    seconds: float = 0.0  # of solving, by the wall clock
    model_seconds: float = 0.0  # of it, waiting for a model
    grading: dict[str, float] = Field(default_factory=dict)  # seconds by stage
    image: str = ""
    grader: str = ""  # its version
    cached: bool = False  # the verdict is of an earlier run of the same patch on the same image

    @property
    def key(self) -> Key:
        return self.instance_id, self.model_name_or_path, self.settings, self.run

    @property
    def attempt(self) -> tuple[str, str, int]:
        """Which attempt of one run's it is."""
        return self.instance_id, self.model_name_or_path, self.run

    @property
    def resolved(self) -> bool:
        return self.outcome == "resolved"


def ungraded(row: Row, model: str, patch: bytes, run: int, suite: str) -> Result:
    """An attempt without its verdict: until there is one, it counts as the machine's failure."""
    return Result(
        instance_id=row.task.id,
        model_name_or_path=model,
        model_patch=patch.decode("utf-8", "replace"),
        run=run,
        repository=row.task.repository,
        suite=suite,
        flaky=row.flaky,
        outcome="infra_error",
    )


class Results:
    """The file of a run. Safe to share between threads; a killed run leaves whole lines."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.Lock()

    def add(self, result: Result) -> None:
        """Append one row, whole or not at all."""
        line = result.model_dump_json().encode() + b"\n"
        with self._lock:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                size = os.lseek(descriptor, 0, os.SEEK_END)
                torn = size and os.pread(descriptor, 1, size - 1) != b"\n"  # a full disk can tear a line
                os.write(descriptor, b"\n" + line if torn else line)
            finally:
                os.close(descriptor)

    def write(self, results: Iterable[Result]) -> None:
        """These and no others, whole or not at all."""
        scratch = self.path.with_name(f".{FILE}.{os.getpid()}")
        with scratch.open("wb") as file:
            file.writelines(result.model_dump_json().encode() + b"\n" for result in results)
        scratch.replace(self.path)

    def read(self) -> list[Result]:
        """The last row of every attempt, in the order in which they first came; a torn line is left out."""
        if not self.path.is_file():
            return []
        found: dict[Key, Result] = {}
        for line in self.path.read_bytes().splitlines():
            try:
                result = Result.model_validate_json(line)
            except ValidationError:
                continue
            found[result.key] = result
        return list(found.values())
