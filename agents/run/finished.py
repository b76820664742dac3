"""A run that has come to its end, read back from its folder: asked again, it is shown and not run again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agents.run.outcome import Outcome
from agents.team import ANSWER, QUESTION
from sandbox.testlog import Status, TestCase, TestReport
from tasks.rundir import ISSUE
from tasks.task import Attempt, Cost, Ended, Issue, Task
from tasks.verdict import Showing, Trial, Verdict

ISSUES = TypeAdapter(Issue)
VERDICTS = TypeAdapter(Verdict)
COSTS = TypeAdapter(Cost)
# Others end for want of money or of a machine: the same command goes on with them.
FINAL: frozenset[Ended] = frozenset({"patched", "gave_up"})


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore")


class KeptTest(_Kept):
    status: Status
    seconds: float
    message: str


class KeptReport(_Kept):
    command: str
    exit_code: int
    seconds: float
    problem: str
    tests: Mapping[str, KeptTest]

    def report(self) -> TestReport:
        cases = {name: TestCase(name, test.status, test.seconds, test.message) for name, test in self.tests.items()}
        return TestReport(self.command, self.exit_code, self.seconds, cases, self.problem)


class KeptVerdict(_Kept):
    """`verdict.json`, as `Outcome.evidence` writes it."""

    verdict: Literal["verified", "regressed", "unreproduced", "no_patch"]
    ended: Ended
    reason: str
    cost: Mapping[str, Any]
    repository: str
    base_commit: str
    model: str
    sandbox: str
    seconds: float
    ready_seconds: float
    showing: tuple[str, ...]
    named: bool
    base: tuple[KeptReport, ...]
    patched: tuple[KeptReport, ...]


def finished(folder: Path) -> Outcome | None:
    """What the run in this folder came to; None where there is work left: it was stopped, or waits for a person."""
    if (folder / "solver" / QUESTION).exists() or (folder / "solver" / ANSWER).exists():
        return None
    try:
        data = (folder / "verdict.json").read_bytes()
        kept = KeptVerdict.model_validate_json(data)
        verdict = VERDICTS.validate_json(data)
        issue = ISSUES.validate_json((folder / ISSUE).read_bytes())
        patch = (folder / "patch.diff").read_bytes()
    except (FileNotFoundError, ValidationError):
        return None
    if kept.ended not in FINAL:
        return None
    showing = Showing(kept.showing, verdict.author or "repository", kept.named)
    base, patched = ([run.report() for run in runs] for runs in (kept.base, kept.patched))
    return Outcome(
        Task(folder.name, kept.repository, kept.base_commit, issue),
        Attempt(patch, kept.ended, kept.reason, COSTS.validate_python(kept.cost)),
        Trial(patch, showing, verdict.scope, tuple(base), tuple(patched), verdict.restored),
        verdict,
        folder,
        kept.seconds,
        kept.ready_seconds,
        kept.model,
        kept.sandbox,
    )
