"""One attempt that is to be made: a row, a model, which of its runs; and the order in which they are made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from tasks.ledger import Key
from tasks.results import Result, ungraded
from tasks.row import Row

Stage = Literal["solve", "grade"]


@dataclass(frozen=True, slots=True)
class Planned:
    row: Row
    model: str
    run: int  # from 1
    suite: str  # its digest

    @property
    def key(self) -> Key:
        return self.row.task.id, self.model, self.run

    @property
    def unsolved(self) -> Result:
        """What is known before it begins."""
        return ungraded(self.row, self.model, b"", self.run, self.suite)

    def __str__(self) -> str:
        return f"{self.row.task.id} {self.model} #{self.run}"


@dataclass(slots=True)
class Job:
    """What a worker takes: one stage of an attempt."""

    planned: Planned
    stage: Stage
    tries: int = 0  # in this start, of this stage, the one under way included
    attempt: int = 0  # tries of it, over all starts
    again: bool = False  # an earlier try failed
    solved: Result | None = None  # what is to be graded


def in_order(rows: Iterable[Row], models: Iterable[str], runs: int, suite: str) -> list[Planned]:
    """Attempts that share layers of an image stand together, and all of one row next to each other (pure).

    Rows of one version of a repository stand on one image of its dependencies, and all attempts at a row on the row's
    own: so each image is made once, used up, and may go.
    """

    def place(row: Row) -> tuple[str, ...]:
        setup = row.setup
        return row.task.repository, setup.version, setup.environment_commit, setup.image, row.task.id

    attempts = list(product(range(1, runs + 1), sorted(set(models))))
    return [Planned(row, model, run, suite) for row in sorted(rows, key=place) for run, model in attempts]


def rows_of(planned: Sequence[Planned]) -> list[Row]:
    """Each row once, in the order of the attempts."""
    return list({each.row.task.id: each.row for each in planned}.values())
