"""What attempts left behind, read back: their results, their issues, what their solvers did step by step."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agents.record import read
from agents.run.attempt import EVENTS, ISSUE_TEXT, attempt_folder
from agents.seats import trajectory
from agents.staff import JOURNAL
from agents.trajectory import Step, Trajectory
from sandbox.api import BadInput
from tasks.acceptance import issue_id
from tasks.history import read_runs
from tasks.ledger import FILE as LEDGER
from tasks.results import FILE as RESULTS
from tasks.results import Result
from tasks.rundir import ISSUE, MARK
from tasks.score import Cause
from tasks.task import Cost, Ended, Issue

ISSUES = TypeAdapter(Issue)
CAUSES: Mapping[str, Cause] = {"verified": "", "no_patch": "empty_patch", "regressed": "regression"}
BOTS = re.compile(r"Issue (?P<issue>\d+) of (?P<repository>\S+)")  # the title that the bot gives
PAGE = re.compile(r"https?://[^/]+/(?P<repository>[^/]+/[^/]+)/(?:-/)?issues/(?P<issue>\d+)")


class _Told(BaseModel):
    """A line of `events.jsonl`."""

    model_config = ConfigDict(extra="ignore")

    stage: str
    text: str


class _Verdict(BaseModel):
    """What is used of a `verdict.json`."""

    model_config = ConfigDict(extra="ignore")

    verdict: str
    ended: Ended
    reason: str = ""
    repository: str
    model: str
    seconds: float
    cost: Cost


@dataclass(frozen=True, slots=True)
class Trace:
    result: Result
    issue: str  # as its solver saw it; empty where it is not kept
    whole: Trajectory

    def steps(self) -> Iterator[tuple[str, Step]]:
        """Every step with who took it: the attempt's own, then those of each seat."""
        yield from ((self.whole.agent, step) for step in self.whole.steps)
        for child in self.whole.children:
            yield from ((child.id, step) for step in child.steps)


def read_traces(run: Path) -> list[Trace]:
    """Of a batch's folder, of one run's, or of a folder of runs.

    Raises:
        BadInput: it is none of these, or has no results.
    """
    if (run / LEDGER).exists() or (run / RESULTS).exists():
        return [_of_attempt(run, result) for result in read_runs([run])]
    folders = [run] if (run / MARK).is_file() else sorted(path.parent for path in run.glob(f"*/{MARK}"))
    found = [trace for folder in folders if (trace := _of_run(folder)) is not None]
    if not found:
        raise BadInput(f"{run} has no results: name a folder that `solve bench`, `solve score` or `solve run` wrote")
    return found


def _of_attempt(run: Path, result: Result) -> Trace:
    folder = attempt_folder(run, result.attempt)
    issue = folder / ISSUE_TEXT
    text = issue.read_text("utf-8", "replace") if issue.is_file() else ""
    return Trace(result, text, _trajectory(folder, result.model_name_or_path))


def _of_run(folder: Path) -> Trace | None:
    """None where the run has not come to a verdict."""
    try:
        verdict = _Verdict.model_validate_json((folder / "verdict.json").read_bytes())
        issue = ISSUES.validate_json((folder / ISSUE).read_bytes())
        patch = (folder / "patch.diff").read_text("utf-8", "replace")
    except (FileNotFoundError, ValidationError):
        return None
    cost = verdict.cost
    result = Result(
        instance_id=_name(issue) or folder.name,
        model_name_or_path=verdict.model,
        model_patch=patch,
        repository=verdict.repository,
        ended=verdict.ended,
        outcome="resolved" if verdict.verdict == "verified" else "unresolved",
        cause=CAUSES.get(verdict.verdict, "tests_failed"),
        reason=verdict.reason,
        calls=cost.calls,
        tokens_in=cost.tokens_in,
        tokens_cached=cost.tokens_cached,
        tokens_out=cost.tokens_out,
        dollars=cost.dollars,
        seconds=verdict.seconds,
        model_seconds=cost.seconds,
    )
    return Trace(result, issue.text(), _trajectory(folder, verdict.model))


def _name(issue: Issue) -> str:
    """By the forge's own number, as pull requests are known by; empty where the issue has none."""
    found = BOTS.fullmatch(issue.title) or PAGE.match(issue.source)
    return issue_id(found["repository"], int(found["issue"])) if found else ""


def _trajectory(folder: Path, agent: str) -> Trajectory:
    steps = []
    events = folder / EVENTS
    for line in events.read_bytes().splitlines() if events.is_file() else ():
        try:
            told = _Told.model_validate(json.loads(line))
        except (ValidationError, ValueError):  # torn by a kill
            continue
        steps.append(Step("agent", f"{told.stage}: {told.text}"))
    journals = {f"{path.parent.relative_to(folder)}/": read(path) for path in sorted(folder.rglob(JOURNAL))}
    return trajectory(journals, agent, steps, Cost(dollars=None))
