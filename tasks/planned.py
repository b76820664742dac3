"""One attempt that is to be made: a row, a model, which of its runs; and the order in which they are made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.ledger import Key
from tasks.results import Result
from tasks.row import Row

Stage = Literal["solve", "grade"]


@dataclass(frozen=True, slots=True)
class Planned:
    row: Row
    model: str
    run: int  # from 1
    unsolved: Result  # what is known before it begins

    @property
    def key(self) -> Key:
        return self.row.task.id, self.model, self.run

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


def in_order(planned: Iterable[Planned]) -> list[Planned]:
    """Attempts that share layers of an image stand together, and all of one row next to each other (pure).

    Rows of one version of a repository stand on one image of its dependencies, and all attempts at a row on the row's
    own: so each image is made once, used up, and may go.
    """

    def place(each: Planned) -> tuple[str, ...]:
        setup = each.row.setup
        return each.row.task.repository, setup.version, setup.environment_commit, setup.image, each.row.task.id

    return sorted(planned, key=lambda each: (*place(each), each.run, each.model))


def rows_of(planned: Sequence[Planned]) -> list[Row]:
    """Each row once, in the order of the attempts."""
    return list({each.row.task.id: each.row for each in planned}.values())
