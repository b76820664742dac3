"""A batch's work without models or containers: what becomes of an attempt is said by its test."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.admission import Containers
from tasks.bench import Bench, Crew
from tasks.history import History
from tasks.ledger import Ledger
from tasks.notice import Notice
from tasks.planned import Job, Planned
from tasks.pulse import Pulse
from tasks.purse import Allowances, Purse
from tasks.results import Result
from tasks.row import Row
from tasks.stop import Stop
from tasks.task import Answer, Issue, Task
from tasks.watched import Watched

Act = Callable[[Job, Watched], None]  # may raise, wait, spend


def row(name: str, repository: str = "org/calc", version: str = "1") -> Row:
    from tasks.row import Setup

    return Row(Task(name, repository, "a" * 40, Issue("t", "b")), Answer(b"gold", b"", ("t",), ()), Setup(version))


def planned(name: str, model: str = "m", run: int = 1) -> Planned:
    return Planned(row(name), model, run, "suite")


def quiet(job: Job, watched: Watched) -> None:
    pass


@dataclass
class ScriptedWork:
    """Solves and grades everything, unless `solving` or `grading` does otherwise."""

    solving: Act = quiet
    grading: Act = quiet
    early: Callable[[Job], Result | None] = lambda job: None
    best: str = ""
    solved: list[str] = field(default_factory=list)
    graded: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def container(self, job: Job) -> bool:
        return job.planned.model != "free"

    def solve(self, job: Job, watched: Watched) -> Result:
        with self.lock:
            self.solved.append(str(job.planned))
        self.solving(job, watched)
        dollars = float(watched.budget.spent.dollars)
        found = job.planned.unsolved.model_copy(update={"model_patch": f"patch of {job.planned}", "dollars": dollars})
        return self.early(job) or found

    def grade(self, job: Job, watched: Watched) -> Result:
        with self.lock:
            self.graded.append(str(job.planned))
        self.grading(job, watched)
        assert job.solved is not None
        empty = not job.solved.model_patch
        verdict = {"outcome": "unresolved", "cause": "empty_patch"} if empty else {"outcome": "resolved", "cause": ""}
        return job.solved.model_copy(update=verdict)

    def so_far(self, planned: Planned) -> Result:
        return planned.unsolved.model_copy(update={"model_patch": self.best})


@dataclass
class Floor:
    """Everything a batch needs, in one folder."""

    folder: Path
    work: ScriptedWork
    allowances: Allowances = Allowances()  # noqa: RUF009 (frozen)
    crew: Crew = Crew(4, 2)  # noqa: RUF009 (frozen)
    containers: int = 1024
    alive: Callable[[], bool] = lambda: True
    pulse_every: float = 10.0
    stop: Stop = field(default_factory=Stop)
    notices: list[Notice] = field(default_factory=list)
    cleared: int = 0

    def run(self, jobs: Iterable[Job]) -> History:
        with Ledger(self.folder) as ledger:
            history = History.of(ledger.lines)
            self.bench(ledger, history).run(list(jobs))
        return history

    def bench(self, ledger: Ledger, history: History, **more: Any) -> Bench:
        pulse = Pulse(self.alive, every=self.pulse_every, retry=0.01)
        return Bench(
            self.work,
            ledger,
            history,
            Purse(self.allowances, history.spent(), {}, frozenset({"free"})),
            Containers(self.containers, free=lambda: 1 << 40, ready=lambda: not pulse.silence),
            self.crew,
            stop=self.stop,
            pulse=pulse,
            tell=self.notices.append,
            clear=self._clear,
            pause=0.001,
            **more,
        )

    def _clear(self) -> None:
        self.cleared += 1


def jobs(*names: str, model: str = "m") -> list[Job]:
    return [Job(planned(name, model), "solve") for name in names]
