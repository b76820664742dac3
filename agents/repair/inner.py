"""Talks to the half of the engine that runs inside a sandbox (`inside/solve_repair`): plan in, JSON lines out."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.repair.candidates import Proposal
from agents.repair.follow import Follow
from agents.repair.observed import (
    End,
    Frame,
    Head,
    Imported,
    Modules,
    Progress,
    Searched,
    Test,
    search_rows,
    survey_rows,
)
from agents.repair.source import Source
from agents.repair.suspicion import Line
from sandbox.api import MEBIBYTE, ExecResult, PathRefused, Sandbox

PACKAGE = Path(__file__).parent / "inside" / "solve_repair"
PREFIX = 'PYTHONPATH="$SOLVE_PLUGINS${PYTHONPATH:+:$PYTHONPATH}"; export PYTHONPATH; '
GRACE = 15.0  # wall seconds for a start, a collection and an end on top of a plan's own time
MOST_OUT = 64 * MEBIBYTE
LAST = 4096  # bytes at the end of a running search's lines that tell how far it is
JOBS = 2
BATCH = 40  # candidates a worker tries before a new one starts clean
SLACK = 1.0  # in operator cost; see `inside/solve_repair/plan.py`


class CannotRun(Exception):
    """The plugin wrote nothing: the test command is no pytest that loads plugins, or died before its tests."""


@dataclass(frozen=True)
class Request:
    """What both runs need to know."""

    showing: tuple[str, ...]
    guard: tuple[str, ...]  # pass on the base
    durations: Mapping[str, float]
    files: tuple[str, ...]  # test files that are collected


class Inner:
    """One sandbox with the package in it."""

    def __init__(self, sandbox: Sandbox, command: str) -> None:
        self._sandbox = sandbox
        self._command = command
        made = sandbox.exec(["mktemp", "-d"])
        if not made.ok:
            raise CannotRun(f"no scratch folder in the sandbox: {made.text()[-200:]}")
        self._folder = made.stdout.decode().strip()
        sandbox.copy_in(PACKAGE, f"{self._folder}/solve_repair")

    def survey(self, request: Request, seconds: float) -> list[Head | Modules | Imported | Test | Frame | End]:
        """Run the tests on the base, traced.

        Raises:
            CannotRun: nothing came back.
            SandboxUnavailable: the machine is gone.
        """
        plan = self._plan("survey", request, seconds)
        return survey_rows(self._run(plan, request.files, seconds, "survey"))

    def search(
        self,
        request: Request,
        sources: Mapping[str, Source],
        proposals: Sequence[Proposal],
        early: Collection[Line],
        modules: Sequence[str],
        seconds: float,
        batch: int = BATCH,
        heard: Callable[[Progress], None] = lambda _: None,
    ) -> list[Searched]:
        """Try the proposals in their order; ids in the answer are their indices. Raises as `survey`.

        `early`: lines that run while tests are collected. `heard` gets the counts once a second, from another thread.
        """

        def last(data: bytes) -> None:
            rows = [row for row in search_rows(data[-LAST:].partition(b"\n")[2]) if isinstance(row, Progress)]
            if rows:
                heard(rows[-1])

        units: list[dict[str, object]] = []
        first: dict[str, int] = {}
        for path, source in sources.items():
            first[path] = len(units)
            units += [asdict(unit) for unit in source.units]
        candidates = []
        for number, proposal in enumerate(proposals):
            edit = proposal.edit
            unit = sources[proposal.path].unit_at(edit.start, edit.end)
            candidates.append(
                {
                    "id": number,
                    "path": proposal.path,
                    "start": edit.start,
                    "end": edit.end,
                    "text": edit.text.decode(),
                    "cost": proposal.cost,
                    "early": (proposal.path, proposal.line) in early,
                    "unit": first[proposal.path] + unit if unit >= 0 else -1,
                }
            )
        plan = self._plan("search", request, seconds)
        plan.update(units=units, candidates=candidates, modules=list(modules), batch=batch)
        with Follow(self._sandbox, f"{self._folder}/search.jsonl", last):
            return search_rows(self._run(plan, request.files, seconds, "search"))

    def _plan(self, mode: str, request: Request, seconds: float) -> dict[str, object]:
        return {
            "mode": mode,
            "out": f"{self._folder}/{mode}.jsonl",
            "showing": request.showing,
            "guard": request.guard,
            "seconds": seconds,
            "jobs": JOBS,
            "slack": SLACK,
            "durations": dict(request.durations),
            "batch": BATCH,
            "modules": [],
            "units": [],
            "candidates": [],
        }

    def _run(self, plan: Mapping[str, object], files: Sequence[str], seconds: float, mode: str) -> bytes:
        path = f"{self._folder}/{mode}.json"
        self._sandbox.write(path, json.dumps(plan).encode())
        env = {
            "SOLVE_PLUGINS": self._folder,
            "SOLVE_REPAIR_PLAN": path,
            "PYTEST_PLUGINS": "solve_repair.plugin",
            # Forks share what capturing writes to; without it what they print goes nowhere.
            "PYTEST_ADDOPTS": "--continue-on-collection-errors --capture=no",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
        }
        argv = ["/bin/sh", "-c", f'{PREFIX}{self._command} "$@"', "sh", *files]
        done = self._sandbox.exec(argv, env=env, timeout=seconds + GRACE)
        try:
            return self._sandbox.read(f"{self._folder}/{mode}.jsonl", max_bytes=MOST_OUT)
        except (FileNotFoundError, IsADirectoryError, PathRefused):  # the last two: hostile tests put something there
            raise CannotRun(_why(done, self._command)) from None


def _why(done: ExecResult, command: str) -> str:
    lines = [line for line in done.text().splitlines() if line.strip()]
    last = lines[-1].strip()[:200] if lines else f"exit status {done.exit_code}, no output"
    return f"`{command}` did not run as a pytest that loads plugins: {last}"
