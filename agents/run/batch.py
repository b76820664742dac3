"""What `solve bench` was asked, and what it came to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agents.run import grading
from tasks.agenda import Admission
from tasks.history import History, Standing
from tasks.ledger import Key, Ledger
from tasks.planned import Job, Planned
from tasks.purse import Allowances
from tasks.results import Result


@dataclass(frozen=True)
class Batch:
    """What `solve bench` was asked."""

    options: grading.Options
    models: tuple[str, ...]
    runs: int
    allowances: Allowances
    disk: float | None = None  # gigabytes
    retry_failed: bool = False
    salvage: bool = False
    as_json: bool = False
    executor: Literal["threads", "ray"] = "threads"
    ray_address: str = ""
    share: str = ""
    db: str = ""  # of several drivers of one run


@dataclass(frozen=True)
class Begun:
    """A start of a batch: what is known, and what is to be done."""

    folder: Path
    ledger: Ledger
    history: History
    planned: Sequence[Planned]
    jobs: Sequence[Job]
    claim: Callable[[Key], Admission]
    kept: Callable[[Key, Standing], None]


@dataclass(frozen=True)
class Came:
    """What it came to."""

    folder: Path
    results: Sequence[Result]  # of the attempts that were asked for
    planned: int
    not_admitted: int  # no budget was left for them, their model's server refuses all, or another driver has them
    stopped: str  # why it ended before its time
    by_person: bool
