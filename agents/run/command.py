"""What `solve run` does around the solving: choose the sandbox, keep the record, show the result, hand it over."""

import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from agents.run import otel
from agents.run.choice import choose
from agents.run.door import INTERRUPTED, explain
from agents.run.finished import finished
from agents.run.folders import runs_folder
from agents.run.options import Options
from agents.run.outcome import Outcome, show, show_next
from agents.run.prepare import Request
from agents.run.record import Record, journals
from agents.run.signals import on_signals
from agents.run.solve import solve
from agents.run.team import Choices
from agents.run.view import watching
from agents.spans import spans
from agents.team import Person
from sandbox import janitor
from sandbox.api import BadInput
from sandbox.cache import cache_folder
from sandbox.delivery import apply_to, branch
from sandbox.discovery.overrides import Overrides
from sandbox.hosttree import remove_left_over
from sandbox.redact import redactor
from tasks.event import Event, Tell
from tasks.limits import Allowance, Budget
from tasks.rundir import RunDir, new_id


def run_command(options: Options) -> int:
    """The exit status of a run that came to its end; errors go on to the door."""
    outcome = run_once(options)
    if options.as_json:
        print(json.dumps(outcome.as_json()))
        hand_over(options, outcome)
    else:
        show(outcome, Console())
        show_next(outcome, hand_over(options, outcome), Console())
    return outcome.exit_status


def run_once(options: Options) -> Outcome:
    """One run with its record, or what it came to before; raises what `solve` raises."""
    folder = options.out or runs_folder() / new_id(Path(options.repo).name)
    with RunDir.open(folder, options.question()) as run:
        return finished(run.path) or ran(options, run.begin())


def ran(options: Options, run: RunDir) -> Outcome:
    """The run itself, in its folder."""
    started, budget = time.time(), Budget(Allowance(dollars=options.dollars))
    with (
        recorded(run, options.asked()),
        tempfile.TemporaryDirectory(prefix="solve-", ignore_cleanup_errors=True) as scratch,
    ):
        request = asked(options, os.environ)
        remove_left_over()
        if request.sandbox == "docker":
            janitor.clean()
        record = Record(run, f"solve/{options.model}", redactor(os.environ))
        try:
            with (
                on_signals(lambda: stop(budget)),
                watching(
                    Console(stderr=True), lambda: spending(budget, options.seconds), live=not options.approve
                ) as view,
            ):
                outcome = solve(request, run, Path(scratch), budget, both(record.tell, view))
        finally:
            record.write()
        record.write(outcome.attempt.cost)
        run.write_json("verdict.json", outcome.evidence())
        if otel.wanted(os.environ):
            told = [span for found in journals(run.path).values() for span in spans(found, run.path.name, started)]
            otel.export(told, record.tell)
    return outcome


def stop(budget: Budget) -> None:
    """What a signal does: nothing more is asked of a model or waited for, and what threads run in containers ends.

    Threads have to come back before the program can: one that waits for a reply, or a test, would hold it up.
    """
    budget.end()
    threading.Thread(target=janitor.clean_own, daemon=True, name="clean").start()
    raise KeyboardInterrupt


def asked(options: Options, environment: Mapping[str, str]) -> Request:
    return Request(
        repository=options.repo,
        issue=options.issue,
        revision=options.commit,
        model=options.model,
        sandbox=options.sandbox or choose(),
        said=Overrides(test_command=options.test_command, python=options.python),
        choices=chosen(options),
        seconds=options.seconds,
        apply=options.apply,
        branch=options.branch,
        mirrors=options.mirrors,
        cache=cache_folder(environment),
        environment=environment,
    )


def chosen(options: Options) -> Choices:
    """A person is asked on the spot only where one sits there."""
    approve = frozenset(part.strip() for part in options.approve.split(",") if part.strip())
    return Choices(
        base_url=options.base_url,
        attempts=options.attempts,
        keep_test=options.keep_test,
        approve=approve,
        allow_unpriced=options.allow_unpriced,
        person=person(options) if approve else lambda question: None,
    )


def person(options: Options) -> Person:
    """Who sits at this terminal; nobody where there is none, and the run then waits for `solve resume`."""
    if options.as_json or not sys.stdin.isatty():
        return lambda question: None
    from agents.run.resume import ask

    return lambda question: ask(question, print, input)


def resume_command(folder: Path, dollars: Decimal | None, as_json: bool) -> int:
    """Go on with a run that waits for an answer, was stopped or was killed: the same question in the same folder."""
    from agents.run.resume import ask, leave, waits

    options = Options.of_run(folder, as_json=as_json)
    options = options.model_copy(update={"dollars": dollars}) if dollars is not None else options
    question = waits(folder)
    if question is not None:
        if not sys.stdin.isatty():
            raise BadInput(f"{folder} waits for an answer about the {question['about']}: run this on a terminal")
        leave(folder, ask(question, print, input))
    return run_command(options)


@contextmanager
def recorded(run: RunDir, question: Mapping[str, object]) -> Iterator[None]:
    """Keeps `run.json`: what was asked from the first moment, and how it ended whatever happens."""
    row: dict[str, object] = {
        "asked": question,
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
        print(f"solve: to go on: solve resume {run.path}", file=sys.stderr)
        raise
    except BadInput as error:
        run.write_json("run.json", {**row, "ended": now(), "exit_status": 2, "error": str(error)})
        run.discard()
        raise
    except Exception as error:
        status, line = explain(error)
        run.write_json("run.json", {**row, "ended": now(), "exit_status": status, "error": line or repr(error)})
        if status == 3:
            run.write_json("verdict.json", {"verdict": "infra_error", "headline": line or repr(error)})
        raise
    run.write_json("run.json", {**row, "ended": now()})


def hand_over(options: Options, outcome: Outcome) -> list[str]:
    """What `--apply` and `--branch` ask for, of a patch that is verified; says what was done."""
    done: list[str] = []
    if outcome.verdict.verdict != "verified":
        return done
    if options.apply:
        apply_to(options.repo, outcome.attempt.patch)
        done.append(f"the patch is in the worktree of {options.repo}")
    if options.branch:
        message = f"{outcome.task.issue.title}\n\n{outcome.verdict.headline}"
        base = outcome.task.base_commit
        commit = branch(options.repo, options.branch, outcome.attempt.patch, message, base=base)
        done.append(f"the patch is commit {commit[:12]} on the new branch {options.branch}")
    return done


def both(first: Tell, second: Tell) -> Tell:
    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell


def spending(budget: Budget, seconds: float) -> str:
    dollars = budget.allowance.dollars
    limit = "" if dollars is None else f" of ${dollars:.2f}"
    return f"${budget.spent.dollars:.2f}{limit} spent, the solver may take {seconds:.0f} s"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
