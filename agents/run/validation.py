"""Runs the answer (n times) and the empty patch on a row."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from agents.run.grading import graded_result
from tasks.grade import Graded, Grader
from tasks.results import Result
from tasks.row import Row
from tasks.score import Score
from tasks.suite import Validation


def validate_row(row: Row, grader: Grader, fresh: Grader, runs: int) -> Validation:
    """`fresh` grades anew what `grader` may remember. A row whose image failed is not tried again."""
    gold = [grader.grade(row, row.answer.patch).score]
    if gold[0].outcome == "infra_error":
        return Validation(row, tuple(gold), Score("infra_error", "infra", gold[0].reason))
    gold += [fresh.grade(row, row.answer.patch).score for _ in range(runs - 1)]
    return Validation(row, tuple(gold), grader.grade(row, b"").score)


def results_of(validation: Validation, suite: str) -> Iterator[Result]:
    """Its runs as rows of `results.jsonl`: the solvers `gold` and `empty`."""
    row = validation.row
    patch = row.answer.patch.decode("utf-8", "replace")
    named = [("gold", patch, number, score) for number, score in enumerate(validation.gold, 1)]
    for solver, text, run, score in [*named, ("empty", "", 1, validation.empty)]:
        result = Result(
            instance_id=row.task.id,
            model_name_or_path=solver,
            model_patch=text,
            run=run,
            repository=row.task.repository,
            suite=suite,
            dollars=0.0,
            outcome=score.outcome,
        )
        yield graded_result(result, Graded(score))


def table(folder: Path, found: Sequence[Validation]) -> None:
    console = Console(soft_wrap=True)
    for item in found:
        if item.verdict != "valid":
            console.print(f"{item.row.task.id}  {item.verdict}  {item.reason}", markup=False, highlight=False)
    counts = Counter(item.verdict for item in found)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    console.print(f"{len(found)} rows: {told}; the suite is {folder / 'suite.jsonl'}", highlight=False)
