"""Talks to the half of the engine that runs inside a sandbox (`inside/solve_repair`): plan in, JSON lines out."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

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
PAUSE = 0.1  # seconds between two looks at whether the survey is there
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
    """What is known of the tests before they are watched."""

    showing: tuple[str, ...]
    guard: tuple[str, ...]  # pass on the base
    durations: Mapping[str, float]
    files: tuple[str, ...]  # test files that are collected


class Inner:
    """One pytest in a sandbox, for as long as it is entered: first surveyed, then told what to try."""

    def __init__(self, sandbox: Sandbox, command: str, request: Request, seconds: tuple[float, float]) -> None:
        """`seconds`: wall time for the survey, and for all."""
        self._sandbox = sandbox
        self._command = command
        self._request = request
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="repair")
        made = sandbox.exec(["mktemp", "-d"])
        if not made.ok:
            raise CannotRun(f"no scratch folder in the sandbox: {made.text()[-200:]}")
        self._folder = made.stdout.decode().strip()
        sandbox.copy_in(PACKAGE, f"{self._folder}/solve_repair")

    def __enter__(self) -> Self:
        self._send("survey", self._plan("survey", self._seconds[0]))
        env = {
            "SOLVE_PLUGINS": self._folder,
            "SOLVE_REPAIR_PLAN": f"{self._folder}/survey.json",
            "PYTEST_PLUGINS": "solve_repair.plugin",
            # Forks share what capturing writes to; without it what they print goes nowhere.
            "PYTEST_ADDOPTS": "--continue-on-collection-errors --capture=no",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
        }
        argv = ["/bin/sh", "-c", f'{PREFIX}{self._command} "$@"', "sh", *self._request.files]
        self._running = self._pool.submit(self._sandbox.exec, argv, env=env, timeout=self._seconds[1] + GRACE)
        self._asked = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._asked:
            self._send("search", None)
        # After an error nothing is waited for: closing the sandbox ends what runs in it.
        self._pool.shutdown(wait=kind is None)

    def survey(self) -> list[Head | Modules | Imported | Test | Frame | End]:
        """The tests on the base, traced.

        Raises:
            CannotRun: nothing came back.
            SandboxUnavailable: the machine is gone.
        """
        while not self._running.done():
            with suppress(FileNotFoundError):  # not begun yet
                last = self._read("survey").rstrip().rpartition(b"\n")[2]
                if any(isinstance(row, End) for row in survey_rows(last)):
                    break
            wait([self._running], timeout=PAUSE)
        return survey_rows(self._result("survey"))

    def search(
        self,
        sources: Mapping[str, Source],
        proposals: Sequence[Proposal],
        early: Collection[Line],
        modules: Sequence[str],
        seconds: float,
        *,
        guard: Sequence[str],
        durations: Mapping[str, float],
        batch: int = BATCH,
        heard: Callable[[Progress], None] = lambda _: None,
    ) -> list[Searched]:
        """Try the proposals in their order, after the survey; ids in the answer are their indices. Raises as `survey`.

        `early`: lines that run while tests are collected. `guard`: tests that must go on passing; `durations`: CPU
        seconds of tests. `heard` gets the counts once a second, from another thread.
        """

        def last(data: bytes) -> None:
            rows = [row for row in search_rows(data[-LAST:].partition(b"\n")[2]) if isinstance(row, Progress)]
            if rows:
                heard(rows[-1])

        units, candidates = _numbered(sources, proposals, early)
        plan = self._plan("search", seconds)
        plan.update(units=units, candidates=candidates, modules=list(modules), batch=batch)
        plan.update(guard=list(guard), durations=dict(durations))
        self._asked = True
        self._send("search", plan)
        with Follow(self._sandbox, f"{self._folder}/search.jsonl", last):
            self._running.result()
        return search_rows(self._result("search"))

    def _plan(self, name: str, seconds: float) -> dict[str, object]:
        return {
            "out": f"{self._folder}/{name}.jsonl",
            "following": f"{self._folder}/search.json",
            "showing": self._request.showing,
            "guard": self._request.guard,
            "seconds": seconds,
            "jobs": JOBS,
            "slack": SLACK,
            "durations": dict(self._request.durations),
            "batch": BATCH,
            "modules": [],
            "units": [],
            "candidates": [],
        }

    def _send(self, name: str, plan: Mapping[str, object] | None) -> None:
        self._sandbox.write(f"{self._folder}/{name}.json", f"{json.dumps(plan)}\n".encode())

    def _read(self, name: str) -> bytes:
        return self._sandbox.read(f"{self._folder}/{name}.jsonl", max_bytes=MOST_OUT)

    def _result(self, name: str) -> bytes:
        try:
            return self._read(name)
        except (FileNotFoundError, IsADirectoryError, PathRefused):  # the last two: hostile tests put something there
            raise CannotRun(_why(self._running.result(), self._command)) from None


def _numbered(
    sources: Mapping[str, Source], proposals: Sequence[Proposal], early: Collection[Line]
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Units and candidates, as the half inside reads them."""
    units: list[dict[str, object]] = []
    first: dict[str, int] = {}
    for path, source in sources.items():
        first[path] = len(units)
        units += [asdict(unit) for unit in source.units]
    candidates: list[dict[str, object]] = []
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
    return units, candidates


def _why(done: ExecResult, command: str) -> str:
    lines = [line for line in done.text().splitlines() if line.strip()]
    last = lines[-1].strip()[:200] if lines else f"exit status {done.exit_code}, no output"
    return f"`{command}` did not run as a pytest that loads plugins: {last}"
