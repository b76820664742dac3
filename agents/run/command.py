"""What `solve run` does around the solving: choose the sandbox, keep the record, show the result, hand it over."""

import json
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import platformdirs
from rich.console import Console

from agents.run.choice import choose
from agents.run.door import INTERRUPTED, explain
from agents.run.outcome import Outcome, show
from agents.run.prepare import Request
from agents.run.record import Record
from agents.run.solve import solve
from agents.run.view import watching
from sandbox import janitor
from sandbox.api import BadInput
from sandbox.delivery import apply_to, branch
from sandbox.hosttree import remove_left_over
from tasks.event import Event, Tell
from tasks.limits import Allowance, Budget
from tasks.rundir import RunDir, new_id

SOLVE_SECONDS = 1800.0
TOP = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `solve run`, as given."""

    repo: str
    issue: str
    commit: str | None
    model: str
    sandbox: str | None
    test_command: str | None
    dollars: Decimal | None
    out: Path | None
    mirrors: Path | None
    apply: bool
    branch: str | None
    as_json: bool


def run_command(options: Options) -> int:
    """The exit status of a run that came to its end; errors go on to the door."""
    outcome = run_once(options)
    hand_over(options, outcome)
    if options.as_json:
        print(json.dumps(outcome.as_json()))
    else:
        show(outcome, Console())
    return outcome.exit_status


def run_once(options: Options) -> Outcome:
    """One run with its record; raises what `solve` raises."""
    if options.dollars is not None and not (options.dollars.is_finite() and options.dollars > 0):
        raise BadInput(f"a budget of {options.dollars} dollars cannot be held: give a number above zero with --budget")
    run = RunDir.create(options.out or runs_folder() / new_id(Path(options.repo).name))
    budget = Budget(Allowance(dollars=options.dollars, seconds=SOLVE_SECONDS))
    with recorded(run, options), tempfile.TemporaryDirectory(prefix="solve-", ignore_cleanup_errors=True) as scratch:
        request = asked(options, os.environ)
        remove_left_over()
        if request.sandbox == "docker":
            janitor.clean()
        record = Record(run, f"solve/{options.model}")
        try:
            with watching(Console(stderr=True), lambda: left(budget)) as view:
                outcome = solve(request, run, Path(scratch), budget, both(record.tell, view))
        finally:
            record.write()
        run.write_json("verdict.json", outcome.evidence())
    return outcome


def asked(options: Options, environment: Mapping[str, str]) -> Request:
    return Request(
        repository=options.repo,
        issue=options.issue,
        revision=options.commit,
        model=options.model,
        sandbox=options.sandbox or choose(),
        test_command=options.test_command,
        dollars=options.dollars,
        mirrors=options.mirrors,
        cache=cache_folder(environment),
        environment=environment,
    )


def cache_folder(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("SOLVE_CACHE_DIR") or platformdirs.user_cache_dir("solve"))


def runs_folder() -> Path:
    """`runs/` of the checkout this program runs from, else the user's own data folder."""
    beside = TOP / "runs"
    return beside if beside.is_dir() else Path(platformdirs.user_data_dir("solve")) / "runs"


@contextmanager
def recorded(run: RunDir, options: Options) -> Iterator[None]:
    """Keeps `run.json`: what was asked from the first moment, and how it ended whatever happens."""
    row: dict[str, object] = {
        "asked": {
            name: getattr(options, name) for name in ("repo", "issue", "commit", "model", "sandbox", "test_command")
        },
        "budget": None if options.dollars is None else str(options.dollars),
        "solve": version("solve"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "pid": os.getpid(),
        "started": now(),
        "ended": None,
    }
    run.write_json("run.json", row)
    try:
        yield
    except KeyboardInterrupt:
        janitor.clean_own()
        run.write_json("run.json", {**row, "ended": now(), "exit_status": INTERRUPTED, "error": "stopped by a signal"})
        raise
    except Exception as error:
        status, line = explain(error)
        run.write_json("run.json", {**row, "ended": now(), "exit_status": status, "error": line or repr(error)})
        if status == 3:
            run.write_json("verdict.json", {"verdict": "infra_error", "headline": line or repr(error)})
        raise
    run.write_json("run.json", {**row, "ended": now()})


def hand_over(options: Options, outcome: Outcome) -> None:
    """What `--apply` and `--branch` ask for, of a patch that is verified."""
    if outcome.verdict.verdict != "verified":
        return
    if options.apply:
        apply_to(options.repo, outcome.attempt.patch)
    if options.branch:
        title = outcome.task.issue.title
        message = f"{title}\n\n{outcome.verdict.headline}"
        base = outcome.task.base_commit if options.commit else "HEAD"
        branch(options.repo, options.branch, outcome.attempt.patch, message, base=base)


def both(first: Tell, second: Tell) -> Tell:
    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell


def left(budget: Budget) -> str:
    dollars = budget.allowance.dollars
    money = "" if dollars is None else f"${dollars - budget.spent.dollars:.2f} and "
    return f"{money}{budget.seconds_left:.0f} s of the budget left"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
