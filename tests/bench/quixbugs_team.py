"""QuixBugs with a small model on this machine: solved by repair, by the cascade repair → model, and by the team.

    python tests/bench/quixbugs_team.py --quixbugs DIR --llama PYTHON --model FILE.gguf --out FOLDER [NAME ...]

DIR is a checkout of https://github.com/jkoppel/QuixBugs; PYTHON is that of an environment with
llama-cpp-python[server]; or give `--base-url` for a server that runs. Programs come in a seeded order, so that those
which are done when the time is over are a random sample of all. Each result is a line of FOLDER/results.jsonl, and what
is there is not done again: a measurement that was stopped, or ended after `--minutes`, goes on with the same command.

The issue says that a program gives wrong results and which of its tests fails; nothing else. Solved: in a fresh sandbox
all given tests pass with the patch. Right: `quixbugs_oracle.py` says so of the patched program.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from llama_server import LlamaServer
from quixbugs import COMMAND, HANGS, baseline, image, oracle, programs

from agents.cascade import CascadeSolver
from agents.guide import IndexGuide
from agents.index.index import Index
from agents.models import ROLES, Cast, Model, Price
from agents.repair.solver import RepairSolver
from agents.staff import LiveStaff
from agents.team import TeamSolver
from sandbox import open_sandbox
from sandbox.api import Image, Sandbox
from sandbox.testlog import TestReport
from sandbox.testrun import run_tests
from sandbox.workspace import IDENTITY, Workspace, open_workspace
from tasks.event import Event
from tasks.limits import Allowance, Budget
from tasks.report_text import interval
from tasks.solvers import Site, Solver
from tasks.stats import wilson
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Verdict

SOLVERS = ("repair", "team", "cascade")
SEED = 5
SHOWN = ("solved", "right", "calls", "tokens_in", "tokens_out", "seconds")
FREE = Price(input=0, cached=0, output=0)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Bug:
    """One program as a repository of its own, with all others in it."""

    program: str
    workspace: Workspace
    names: frozenset[str]  # tests that the correct program passes
    base: TestReport
    image: Image

    def open(self) -> Sandbox:
        return open_sandbox(self.image)

    def verdict(self, attempt: Attempt) -> Verdict:
        if not attempt.patch:
            return Verdict("no_patch", "")
        with self.open() as sandbox:
            for change in self.workspace.changes(attempt.patch):
                if change.content is not None:
                    sandbox.write(change.path, change.content)
            report = run_tests(sandbox, COMMAND, sorted(self.names), timeout=4 * HANGS)
        good = report.usable and self.names <= report.ids("passed")
        return Verdict("verified" if good else "regressed", "")

    def site(self, folder: Path, allowance: Allowance, told: list[Event]) -> Site:
        return Site(
            open=self.open,
            tree=self.workspace.folder,
            patch=self.workspace.patch_from_files,
            baseline=self.base,
            showing=tuple(sorted(self.names - self.base.ids("passed"))),
            test_command=COMMAND,
            budget=Budget(allowance),
            tell=told.append,
            offer=lambda patch: None,
            verdict=self.verdict,
            folder=folder,
            selection=(f"python_testcases/test_{self.program}.py",),
        )

    def task(self) -> Task:
        failing = sorted({name.split("::")[1].split("[")[0] for name in self.names - self.base.ids("passed")})
        said = f"{', '.join(failing)} in python_testcases/test_{self.program}.py fails."
        issue = Issue(f"{self.program} gives wrong results", said)
        return Task(self.program, "QuixBugs", self.workspace.base_commit, issue)


@dataclass
class Once:
    """A solver that is run once for each program: the stages of the cascade are the same attempts, at their full cost.

    So the rows differ in what a solver adds, not in the luck of a second sample. Only the choice among several patches
    is the cascade's own.
    """

    solver: Solver
    kept: dict[str, Attempt] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.solver.name

    def solve(self, task: Task, site: Site) -> Attempt:
        if task.id not in self.kept:
            self.kept[task.id] = self.solver.solve(task, site)
        return self.kept[task.id]


@contextmanager
def bug(quixbugs: Path, program: str) -> Iterator[Bug]:
    with tempfile.TemporaryDirectory(prefix="quixbugs-") as scratch:
        folder = Path(scratch)
        correct = image(quixbugs, "correct_python_programs", folder / "correct")
        buggy = image(quixbugs, "python_programs", folder / "buggy")
        test = f"python_testcases/test_{program}.py"
        with open_sandbox(correct) as sandbox:
            names = run_tests(sandbox, COMMAND, [test], timeout=60).ids("passed")
        base = baseline(buggy, test, names)
        tree = folder / "buggy" / "tree"
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "buggy"]):
            subprocess.run(["git", *command], cwd=tree, check=True, env={**IDENTITY, "PATH": "/usr/bin:/bin"})
        workspace = open_workspace(str(tree), None, folder / "workspace", tell=lambda line: None)
        yield Bug(program, workspace, names, base, buggy)


def solvers(url: str, kept: Path, context: int) -> Mapping[str, Solver]:
    model = Model(id="local", base_url=url, context=context, output=1024, price=FREE, prompts="small", temperature=0.6)
    team = TeamSolver(
        Cast("team", dict.fromkeys(ROLES, model)),
        lambda cast, site: LiveStaff(cast, site, key=lambda model: "none", kept=kept, loopback_only=True),
        lambda task, site: guide(kept, site),
        str,
    )
    first, second = Once(RepairSolver()), Once(team)
    return {"repair": first, "team": second, "cascade": CascadeSolver("cascade", [first, second], team)}


def guide(kept: Path, site: Site) -> IndexGuide:
    with Index(kept / "index.sqlite") as index:
        return IndexGuide(index.build(site.tree), site.tree)


def measured(quixbugs: Path, one: Bug, name: str, solver: Solver, folder: Path, allowance: Allowance) -> dict[str, Any]:
    told: list[Event] = []
    started = time.monotonic()
    site = one.site(folder / f"{one.program}-{name}", allowance, told)
    attempt = solver.solve(one.task(), site)
    seconds = max(time.monotonic() - started, attempt.cost.seconds)
    path = f"python_programs/{one.program}.py"
    files = {change.path: change.content or b"" for change in one.workspace.changes(attempt.patch)}
    with tempfile.TemporaryDirectory() as scratch:
        right = oracle(quixbugs, one.program, files[path], Path(scratch)) if path in files else "no patch"
    cost = attempt.cost
    return {
        "program": one.program,
        "solver": name,
        "solved": one.verdict(attempt).verdict == "verified",
        "right": right,
        "seconds": round(seconds, 1),
        "calls": cost.calls,
        "tokens_in": cost.tokens_in,
        "tokens_out": cost.tokens_out,
        "others": len(attempt.others),
        "ended": attempt.ended,
        "reason": attempt.reason,
        "said": [event.text for event in told if event.stage in ("review", "code")],
        "patch": attempt.patch.decode("utf-8", "replace"),
    }


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """A table of the programs that all solvers have tried, with 95 % intervals for the share that is solved."""
    tried = [{row["program"] for row in rows if row["solver"] == name} for name in SOLVERS]
    whole = set.intersection(*tried)
    heads = (
        "solver",
        "programs",
        "solved",
        "%, 95 % interval",
        "right",
        "calls",
        "prompt tokens",
        "reply tokens",
        "seconds",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in SOLVERS:
        own = [row for row in rows if row["solver"] == name and row["program"] in whole]
        sums = {key: sum(row[key] for row in own) for key in ("solved", "calls", "tokens_in", "tokens_out", "seconds")}
        right = sum(row["right"] == "right" for row in own)
        numbers = f"{sums['calls']} | {sums['tokens_in']} | {sums['tokens_out']} | {sums['seconds']:.0f}"
        share = interval(wilson(sums["solved"], len(own))) if own else "–"
        lines.append(f"| {name} | {len(own)} | {sums['solved']} | {share} | {right} | {numbers} |")
    return lines


def read_rows(path: Path) -> list[dict[str, Any]]:
    """What is measured; a line that a kill cut short is not."""
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return [json.loads(line) for line in whole.splitlines()]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quixbugs", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--llama", type=Path, metavar="PYTHON")
    parser.add_argument("--model", type=Path, metavar="FILE")
    parser.add_argument("--base-url", default="")
    parser.add_argument("--context", type=int, default=4096, help="tokens")
    parser.add_argument("--threads", type=int, default=2, help="of the server")
    parser.add_argument("--calls", type=int, default=8, help="of the model for one program; those of a probe count")
    parser.add_argument("--seconds", type=float, default=600.0, help="for one program")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which no program is begun")
    parser.add_argument("names", nargs="*", metavar="NAME")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if not options.base_url and not (options.llama and options.model):
        print("give --llama PYTHON and --model FILE, or --base-url of a server", file=sys.stderr)
        return 2
    until = time.monotonic() + 60 * options.minutes
    names = options.names or random.Random(SEED).sample(found := programs(options.quixbugs), len(found))
    options.out.mkdir(parents=True, exist_ok=True)
    ledger = options.out / "results.jsonl"
    rows = read_rows(ledger)
    most = Allowance(calls=options.calls, seconds=options.seconds)
    done = {(row["program"], row["solver"]) for row in rows}
    with ExitStack() as stack:
        url = options.base_url
        if not url:
            log = options.out / "server.log"
            server = LlamaServer(options.llama, options.model, log, options.context, options.threads)
            url = stack.enter_context(server).url
        named = solvers(url, options.out / "kept", options.context)
        for name in names:
            left = [kind for kind in SOLVERS if (name, kind) not in done]
            if not left or time.monotonic() > until:
                continue
            with bug(options.quixbugs, name) as one:
                for kind in left:
                    row = measured(options.quixbugs, one, kind, named[kind], options.out / "runs", most)
                    rows.append(row)
                    with ledger.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                    shown = {key: row[key] for key in SHOWN}
                    print(f"{name:28} {kind:8} {shown}", flush=True)
    print("\n".join(summary(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
