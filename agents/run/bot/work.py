"""The job that reads and thinks: a request → a patch and a result. It holds the model's key and no token of the forge.

The repository's code runs in the docker sandbox only, its build included; a request cannot choose another.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from agents.run.bot.handover import PATCH, RESULT, Counts, Request, Result, write
from agents.run.bot.leak import Screen, leaks, secrets_of
from agents.run.bot.settings import Settings
from agents.run.command import run_once
from agents.run.door import explain
from agents.run.options import Options
from agents.run.outcome import Outcome
from agents.team import QUESTION
from sandbox.api import BadInput, SandboxError
from sandbox.patch import PatchRejected
from sandbox.redact import redactor
from sandbox.testlog import TestReport
from tasks.limits import OverBudget

Solve = Callable[[Options], Outcome]
NO_PLAN = "It is one change, and needs no plan."
ENDED: Mapping[str, Literal["no_patch", "over_budget", "failed"]] = {
    "gave_up": "no_patch",
    "over_budget": "over_budget",
    "infra_error": "failed",
}


def work(
    request: Request,
    repository: Path,
    out: Path,
    settings: Settings,
    solve: Solve = run_once,
    environment: Mapping[str, str] = os.environ,
) -> Result:
    """Solve, and hand over `patch.diff` and `result.json`. A failure of the machine is a result too."""
    with tempfile.TemporaryDirectory(prefix="solve-bot-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        (folder / "issue.md").write_text(issue_text(request), encoding="utf-8")
        try:
            with screened(secrets_of(environment)):
                outcome = solve(options(request, repository, folder, settings))
        except (BadInput, SandboxError, OverBudget, PatchRejected) as error:
            reason = explain(error)[1] or ""
            ended: Literal["over_budget", "failed"] = "over_budget" if isinstance(error, OverBudget) else "failed"
            result, patch = told(request, ended, reason), b""
        else:
            result, patch = concluded(request, outcome, folder / "run", settings)
    result, patch = guarded(request, result, patch, environment)
    write(out, RESULT, result)
    (out / PATCH).write_bytes(patch)
    return result


@contextmanager
def screened(secrets: frozenset[str]) -> Iterator[None]:
    """What is told meanwhile goes to the log line by line, without any piece of a secret."""
    screen = Screen(sys.stderr, secrets)
    try:
        with redirect_stderr(screen):
            yield
    finally:
        screen.finish()


def options(request: Request, repository: Path, folder: Path, settings: Settings) -> Options:
    """What is fixed here no input can change: the sandbox, and that nothing is applied."""
    return Options(
        repo=str(repository),
        issue=str(folder / "issue.md"),
        commit=request.base,
        model=settings.model,
        base_url=settings.base_url,
        sandbox="docker",
        dollars=Decimal(str(request.dollars)),
        allow_unpriced=bool(settings.base_url),  # a server of the operator's own; it counts with all that is allowed
        seconds=settings.seconds,
        approve="plan" if request.command == "plan" else "",
        out=folder / "run",
    )


def issue_text(request: Request) -> str:
    """As `tasks.issue` reads a file: the first line is the title, and it is ours."""
    voices = [f"{voice.author} wrote:\n{voice.body}" for voice in request.comments]
    return "\n\n".join([f"Issue {request.issue} of {request.repository}", request.text, *voices]) + "\n"


def concluded(request: Request, outcome: Outcome, run: Path, settings: Settings) -> tuple[Result, bytes]:
    attempt, trial, verdict = outcome.attempt, outcome.trial, outcome.verdict
    cost = attempt.cost
    base = told(request, "no_patch", attempt.reason)
    values: dict[str, Any] = {
        "verdict": shown_by(outcome),
        "headline": verdict.headline[:8000],
        "test_command": trial.base[0].command[:500] if trial.base else "",
        "before": counts(trial.base),
        "after": counts(trial.patched),
        "fixed": tuple(name[:500] for name in verdict.fixed[:50]),
        "new_tests": tuple(test.path[:500] for test in attempt.tests[:20]),
        "scope": verdict.scope[:500],
        "summary": summaries(run),
        "model": outcome.model[:500],
        "tokens_in": cost.tokens_in,
        "tokens_out": cost.tokens_out,
        "dollars": cost.dollars,
        "seconds": outcome.seconds,
    }
    if request.command == "plan":
        return base.model_copy(update={**values, "ended": "planned", "plan": plan(run)}), b""
    ended = "patched" if attempt.patch else ENDED.get(attempt.ended, "no_patch")
    return base.model_copy(update={**values, "ended": ended}), attempt.patch


def shown_by(outcome: Outcome) -> str:
    """The verdict. A pull request closes an issue: failing tests that the issue does not name show nothing of it."""
    name = outcome.verdict.verdict
    return "unreproduced" if name == "verified" and not outcome.trial.showing.named else name


def told(request: Request, ended: Literal["no_patch", "over_budget", "failed"], reason: str) -> Result:
    return Result(
        issue=request.issue,
        command=request.command,
        ended=ended,
        reason=reason[:8000],
        base=request.base,
        key=request.key,
        words=request.words,
        threads=request.threads,
        dollars=None,
    )


def counts(runs: tuple[TestReport, ...]) -> Counts | None:
    if not runs:
        return None
    passed, failed = len(runs[0].ids("passed")), len(runs[0].ids("failed", "error"))
    return Counts(passed=passed, failed=failed, other=len(runs[0].cases) - passed - failed)


def summaries(run: Path) -> tuple[str, ...]:
    """What the coders said when they were done, from the trajectory."""
    path = run / "trajectory.json"
    if not path.is_file():
        return ()
    calls = [call for call in tool_calls(json.loads(path.read_bytes())) if call["function_name"] == "done"]
    said = [str(call["arguments"].get("summary", ""))[:2000] for call in calls]
    return tuple(dict.fromkeys(filter(None, said)))[-6:]


def tool_calls(trajectory: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Of the whole run, each role's among them."""
    for step in trajectory.get("steps", ()):
        yield from step.get("tool_calls", ())
    for child in trajectory.get("subagent_trajectories", ()):
        yield from tool_calls(child)


def plan(run: Path) -> tuple[str, ...]:
    """The plan that waits for an answer."""
    path = run / "solver" / QUESTION
    rows = json.loads(path.read_bytes())["plan"] if path.is_file() else []
    lines = [f"{row['id']}: {row['goal']} ({', '.join(row['files'])})"[:2000] for row in rows[:12]]
    return tuple(lines) or (NO_PLAN,)


def guarded(request: Request, result: Result, patch: bytes, environment: Mapping[str, str]) -> tuple[Result, bytes]:
    """Known secrets out of the words; and nothing at all is handed over if a piece of one is left."""
    try:
        cleaned = Result.model_validate_json(redactor(environment)(result.model_dump_json()))
    except ValidationError:  # what was put in a secret's place was longer, or took a bracket along
        return told(request, "failed", "the answer could not be freed of secrets: nothing of it is handed over"), b""
    secrets = secrets_of(environment)
    if leaks(cleaned.model_dump_json() + patch.decode("utf-8", "replace"), secrets):
        return told(request, "failed", "the answer holds a piece of a secret: nothing of it is handed over"), b""
    return cleaned, patch
