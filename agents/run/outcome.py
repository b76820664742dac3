"""What a run came to, and how it is shown: on a terminal, and as one JSON object."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from agents.run.shown import counted, shown
from sandbox.canary import PLANTED
from sandbox.testlog import TestReport
from tasks.task import Attempt, Cost, Task
from tasks.verdict import AUTHORS, Trial, Verdict

STYLES = {"verified": "bold green", "regressed": "bold red", "unreproduced": "bold yellow", "no_patch": "bold yellow"}
MESSAGE_LINES = 14


@dataclass(frozen=True, slots=True)
class Outcome:
    task: Task
    attempt: Attempt
    trial: Trial
    verdict: Verdict
    folder: Path  # the run's
    seconds: float  # in all
    ready: float  # seconds of these until the base tree and its environment stood
    model: str
    sandbox: str

    @property
    def exit_status(self) -> int:
        return 0 if self.verdict.verdict == "verified" else 1

    def as_json(self) -> dict[str, object]:
        """The object that `--json` prints; `verdict.json` holds the evidence in full."""
        return {
            **self.verdict.as_json(),
            "reason": self.attempt.reason,
            "ended": self.attempt.ended,
            "cost": asdict(self.attempt.cost),
            "patch": self.attempt.patch.decode("utf-8", "replace"),
            "model": self.model,
            "sandbox": self.sandbox,
            "base_commit": self.task.base_commit,
            "seconds": round(self.seconds, 2),
            "ready_seconds": round(self.ready, 2),
            "run": str(self.folder),
        }

    def evidence(self) -> dict[str, object]:
        """The content of `verdict.json`: enough to show the outcome again without running anything."""
        row = self.as_json()
        return {
            **{name: row[name] for name in row if name not in ("patch", "run")},
            "repository": self.task.repository,
            "showing": list(self.trial.showing.ids),
            "named": self.trial.showing.named,
            "base": [report.as_json() for report in self.trial.base],
            "patched": [report.as_json() for report in self.trial.patched],
        }


def show(outcome: Outcome, console: Console) -> None:
    """What was shown failing, the diff, the verdict with its evidence."""
    show_issue(outcome, console)
    if outcome.attempt.patch:
        console.rule("patch", style="dim", align="left")
        show_patch(shown(outcome.attempt.patch.decode("utf-8", "replace")), console)
    console.rule("verdict", style="dim", align="left")
    verdict = outcome.verdict
    unbroken = not console.is_terminal  # who greps wants whole lines, who reads whole words
    console.print(
        Text(verdict.verdict, STYLES.get(verdict.verdict, "bold red")),
        Text(shown(verdict.headline)),
        soft_wrap=unbroken,
    )
    if outcome.attempt.reason:
        console.print(Text(shown(outcome.attempt.reason)), soft_wrap=unbroken)
    if outcome.attempt.cost.calls:
        console.print(spent(outcome.attempt.cost), markup=False, highlight=False)
    console.print(runs(outcome))
    if any(report.command.endswith(PLANTED) for report in outcome.trial.patched):
        console.print(Text("patch runs hold two planted tests, one of which must fail: hence their exit", "dim"))
    show_lists(verdict, console)


def show_next(outcome: Outcome, done: Sequence[str], console: Console) -> None:
    """What became of the patch, where everything is, what to type next."""
    console.rule("next", style="dim", align="left")
    for line in (*done, *next_steps(outcome, handed_over=bool(done))):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def show_patch(patch: str, console: Console) -> None:
    """In colour on a terminal, without the names of blobs; elsewhere as it is, so that it can be applied."""
    if console.is_terminal:
        seen = re.sub(r"^index .*\n", "", patch, flags=re.MULTILINE)
        console.print(Syntax(seen, "diff", theme="ansi_dark", word_wrap=True))
    else:
        console.out(patch, highlight=False)


def show_issue(outcome: Outcome, console: Console) -> None:
    showing = outcome.trial.showing
    if not showing.ids:
        return
    console.rule("the issue, as a test shows it", style="dim", align="left")
    console.print(f"{counted(len(showing.ids), 'failing test')} {AUTHORS[showing.author]}; the first:", markup=False)
    case = outcome.trial.base[0].cases[showing.ids[0]]
    console.print(Text(shown(case.id), "bold"))
    console.print(Text(shown("\n".join(case.message.strip().splitlines()[-MESSAGE_LINES:])), "dim"))


def spent(cost: Cost) -> str:
    """What models were paid for, in one line."""
    cached = f" ({cost.tokens_cached / cost.tokens_in:.0%} from the server's cache)" if cost.tokens_in else ""
    price = "price unknown" if cost.dollars is None else f"${cost.dollars:.4f}"
    return f"{cost.calls} model calls, {cost.tokens_in:,} tokens in{cached}, {cost.tokens_out:,} out, {price}"


def runs(outcome: Outcome) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("run", "passed", "failed", "other"):
        table.add_column(name, justify="left" if name == "run" else "right")
    table.add_column("exit", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("command")
    named = [(f"base {n}", report) for n, report in enumerate(outcome.trial.base, 1)]
    named += [(f"patch {n}", report) for n, report in enumerate(outcome.trial.patched, 1)]
    for name, report in named:
        table.add_row(name, *counts(report), str(report.exit_code), f"{report.seconds:.1f}", command(report))
    return table


def command(report: TestReport) -> Text:
    return Text(shown(report.command.removesuffix(PLANTED)))


def counts(report: TestReport) -> tuple[str, str, str]:
    passed, failed = len(report.ids("passed")), len(report.ids("failed", "error"))
    return str(passed), str(failed), str(len(report.cases) - passed - failed)


def show_lists(verdict: Verdict, console: Console) -> None:
    for name, tests in (
        ("regressed", verdict.regressed),
        ("unstable", verdict.unstable),
        ("kept as on the base", verdict.restored),
    ):
        for test in tests[:5]:
            console.print(f"{name}: {shown(test)}", markup=False, highlight=False, soft_wrap=True)
        if len(tests) > 5:
            console.print(f"{name}: and {len(tests) - 5} more", highlight=False)


def next_steps(outcome: Outcome, *, handed_over: bool) -> list[str]:
    lines = [f"everything is in  {outcome.folder}"]
    if outcome.attempt.patch and not handed_over:
        here = Path(outcome.task.repository)
        place = ["-C", str(here.resolve())] if here.is_dir() else []
        command = ["git", *place, "apply", str((outcome.folder / "patch.diff").resolve())]
        lines.append(f"take the patch:   {shlex.join(command)}")
    if outcome.verdict.verdict == "no_patch" and outcome.model == "repair":
        lines.append("try a model:      solve run ... --model NAME (docs/models.md)")
    return lines
