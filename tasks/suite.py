"""Rows that were validated, kept as a benchmark file of their own in the field's names."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.row import Row
from tasks.rundir import replaced
from tasks.score import Score


@dataclass(frozen=True, slots=True)
class Validation:
    """What the answer and the empty patch came to on one row."""

    row: Row
    gold: tuple[Score, ...]  # one for each run
    empty: tuple[Score, ...]

    @property
    def verdict(self) -> Literal["valid", "flaky", "invalid", "unknown"]:
        """`flaky`: the answer's runs differ. `unknown`: a machine failed, which says nothing about the row."""
        outcomes, empty = ({score.outcome for score in scores} for scores in (self.gold, self.empty))
        if "infra_error" in outcomes | empty:
            return "unknown"
        if len({(score.outcome, tuple(sorted(score.not_kept))) for score in self.gold}) > 1 or len(empty) > 1:
            return "flaky"
        return "valid" if (outcomes, empty) == ({"resolved"}, {"unresolved"}) else "invalid"

    @property
    def reason(self) -> str:
        """Why the row is not simply valid; empty if it is."""
        if self.verdict == "valid":
            return ""
        if self.verdict == "unknown":
            return next(score.reason for score in (*self.gold, *self.empty) if score.outcome == "infra_error")
        if self.verdict == "flaky":
            gold, empty = (sum(score.resolved for score in scores) for scores in (self.gold, self.empty))
            return (
                f"the answer is resolved in {gold} of {len(self.gold)} runs, "
                f"the empty patch in {empty} of {len(self.empty)}"
            )
        for score in self.empty:
            if score.outcome != "unresolved":
                return f"the empty patch is {score.outcome}: {score.reason}".rstrip(": ")
        failed = next(score for score in self.gold if not score.resolved)
        return f"the answer is {failed.outcome} ({failed.cause}): {failed.reason}"


def write_suite(path: Path, validations: Iterable[Validation]) -> int:
    """Write the valid rows, and the flaky ones marked so; how many."""
    kept = [validation for validation in validations if validation.verdict in ("valid", "flaky")]
    lines = [json.dumps(fields(item.row, flaky=item.verdict == "flaky"), ensure_ascii=False) for item in kept]
    replaced(path, "".join(line + "\n" for line in lines).encode())
    return len(kept)


def fields(row: Row, *, flaky: bool) -> dict[str, object]:
    """The row in SWE-bench's names."""
    return {
        "instance_id": row.task.id,
        "repo": row.task.repository,
        "base_commit": row.task.base_commit,
        "version": row.setup.version,
        "environment_setup_commit": row.setup.environment_commit,
        "image_name": row.setup.image,
        "problem_statement": "\n".join(part for part in (row.task.issue.title, row.task.issue.body)),
        "patch": (row.setup.base_patch or row.answer.patch).decode("utf-8", "surrogateescape"),  # as SWE-smith has it
        "test_patch": row.answer.test_patch.decode("utf-8", "surrogateescape"),
        "FAIL_TO_PASS": list(row.answer.fail_to_pass),
        "PASS_TO_PASS": list(row.answer.pass_to_pass),
        "created_at": row.created,
        "flaky": flaky,
    }
