"""`solve demo`: real bugs of released packages, solved by the built-in engine, without a key."""

import sys
import tomllib
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.run.choice import choose
from agents.run.command import run_once
from agents.run.folders import TOP
from agents.run.options import Options
from agents.run.outcome import Outcome, show, show_next
from sandbox.api import ImageUnavailable, SandboxUnavailable
from sandbox.release import Release

CASES = TOP / "examples" / "demo"
SHOWN = ("boltons-bits-length", "boltons-wraps-kwonly")
SECONDS = 15.0  # that the engine may search for each: a demo is watched


class Case(BaseModel):
    """`case.toml`: which release has the bug, and what the built-in engine is expected to make of it."""

    model_config = ConfigDict(extra="forbid")

    package: str
    version: str
    sha256: str
    python: str
    public_report: str
    expect: str
    fixed_in: str


@dataclass(frozen=True, slots=True)
class Shown:
    name: str
    case: Case
    outcome: Outcome


def demo() -> int:
    """Run the cases one after the other; 0 if each ended as expected."""
    console = Console()
    kind = chosen(console)
    shown = [run_case(name, kind, console) for name in SHOWN]
    console.print(summary(shown))
    return 0 if all(item.outcome.verdict.verdict == item.case.expect for item in shown) else 1


def chosen(console: Console) -> str:
    """The demo alone may fall back to a process without isolation, and says so."""
    try:
        return choose()
    except SandboxUnavailable:
        console.print("No container engine and no bubblewrap here: the demo runs as a plain process, NOT isolated.")
        return "local"


def run_case(name: str, kind: str, console: Console) -> Shown:
    case = Case.model_validate(tomllib.loads((CASES / name / "case.toml").read_text("utf-8")))
    repository = Release(case.package, case.version, case.sha256).address
    issue = CASES / name / "issue.md"
    console.rule(Text(f"{case.package} {case.version}", "bold"), align="left")
    console.print(Text(f"a real bug: {case.public_report}", "dim"))
    console.print(f"$ solve run --repo {repository} --issue {issue}", markup=False, highlight=False, soft_wrap=True)
    options = Options.model_validate({"repo": repository, "issue": str(issue), "sandbox": kind, "seconds": SECONDS})
    try:
        outcome = run_once(options)
    except ImageUnavailable as error:
        if kind != "docker":
            raise
        print(f"solve: {error}; going on with bubblewrap", file=sys.stderr)
        outcome = run_once(options.model_copy(update={"sandbox": "bubblewrap"}))
    show(outcome, console)
    show_next(outcome, (), console)
    return Shown(name, case, outcome)


def summary(shown: list[Shown]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title="in all", title_justify="left")
    for name in ("case", "release", "verdict", "expected"):
        table.add_column(name)
    table.add_column("environment", justify="right")
    table.add_column("solving", justify="right")
    for item in shown:
        outcome = item.outcome
        table.add_row(
            item.name,
            f"{item.case.package} {item.case.version}",
            outcome.verdict.verdict,
            item.case.expect,
            f"{outcome.ready:.1f} s",
            f"{outcome.seconds - outcome.ready:.1f} s",
        )
    return table
