"""Runs the answer and the empty patch on a row, n times each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tasks.grade import Graded, Grader
from tasks.results import Result, ungraded
from tasks.row import Row
from tasks.suite import Validation


@dataclass(frozen=True, slots=True)
class Validated:
    """The runs of the answer and of the empty patch on a row, and what they say of it."""

    row: Row
    gold: tuple[Graded, ...]
    empty: tuple[Graded, ...]

    @property
    def validation(self) -> Validation:
        return Validation(self.row, *(tuple(graded.score for graded in runs) for runs in (self.gold, self.empty)))


def validate_row(row: Row, grader: Grader, fresh: Grader, runs: int) -> Validated:
    """`fresh` grades anew what `grader` may remember. A row whose image failed is not tried again."""
    first = grader.grade(row, row.answer.patch)
    if first.score.outcome == "infra_error":
        return Validated(row, (first,), (Graded(first.score),))
    more = [fresh.grade(row, row.answer.patch) for _ in range(runs - 1)]
    empty = [grader.grade(row, b""), *(fresh.grade(row, b"") for _ in range(runs - 1))]
    return Validated(row, (first, *more), tuple(empty))


def results_of(found: Validated, suite: str) -> Iterator[tuple[Result, Graded]]:
    """Its runs as rows of `results.jsonl`, still without their verdicts: the solvers `gold` and `empty`."""
    row = found.row
    named = [("gold", row.answer.patch, number, graded) for number, graded in enumerate(found.gold, 1)]
    named += [("empty", b"", number, graded) for number, graded in enumerate(found.empty, 1)]
    for solver, patch, run, graded in named:
        yield ungraded(row, solver, patch, run, suite).model_copy(update={"dollars": 0.0}), graded


def table(folder: Path, found: Sequence[Validation]) -> None:
    console = Console(soft_wrap=True)
    for item in found:
        if item.verdict != "valid":
            console.print(f"{item.row.task.id}  {item.verdict}  {item.reason}", markup=False, highlight=False)
    counts = Counter(item.verdict for item in found)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    console.print(f"{len(found)} rows: {told}; the suite is {folder / 'suite.jsonl'}", highlight=False)
