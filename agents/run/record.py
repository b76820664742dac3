"""The record of a run, kept as it goes: every event as a line, and the trajectory anew with each stage."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from agents.record import Recorded, read
from agents.seats import trajectory
from agents.trajectory import Step, Trajectory, atif
from tasks.event import Event
from tasks.rundir import RunDir
from tasks.task import Cost


def journals(run: Path) -> dict[str, Recorded]:
    """What the models of a run were asked, by the stage of a cascade; a team alone has no name before its seats."""
    solver = run / "solver"
    found = sorted(solver.rglob("journal.jsonl"))
    return {f"{path.parent.relative_to(solver)}/".removeprefix("./"): read(path) for path in found}


class Record:
    """A `Tell` that keeps what it hears. A run that was killed leaves all but the last stage's last lines."""

    def __init__(self, run: RunDir, agent: str, clean: Callable[[str], str] = str) -> None:
        self._run = run
        self._clean = clean  # takes secrets out
        self._agent = agent
        self._steps: list[Step] = []
        self._stage = ""
        self._lock = threading.Lock()

    def tell(self, event: Event) -> None:
        self._run.record(event)
        if event.total and event.done < event.total:
            return  # progress; the stage's last line says what it came to
        with self._lock:
            source: Literal["user", "agent"] = "user" if event.stage == "task" else "agent"
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            extra = {"stage": event.stage, **event.data}
            self._steps.append(Step(source, event.text, at, extra=extra))
            changed, self._stage = event.stage != self._stage, event.stage
        if changed:
            self.write()

    def write(self, cost: Cost | None = None) -> None:
        """The trajectory so far; with the cost of the whole also what each role of a team did, from its journal."""
        with self._lock:
            steps = tuple(self._steps)
        if not steps:
            return
        whole = Trajectory(self._agent, steps)
        if cost is not None:
            whole = trajectory(journals(self._run.path), self._agent, steps, cost)
        self._run.write_json("trajectory.json", atif(whole, session=self._run.path.name, clean=self._clean))
