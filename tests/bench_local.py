"""A batch in this process: real attempts, team and model client, a sandbox in memory, a judge that reads patches."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench_site import prepared
from quick_sandbox import QuickSandbox

from agents.run.attempt import Attempting
from sandbox.api import Image, Sandbox
from tasks.adaptive import Lanes
from tasks.admission import Containers
from tasks.bench import Bench, Crew
from tasks.environment import Place
from tasks.grade import Graded
from tasks.harness import Harness, whole_names
from tasks.history import History
from tasks.ledger import Ledger
from tasks.notice import Notice
from tasks.planned import Job, Planned
from tasks.pulse import Pulse
from tasks.purse import Allowances, Purse
from tasks.row import Row
from tasks.score import Score
from tasks.stop import Stop
from tasks.task import Answer, Issue, Task


@dataclass
class Judge:
    """Resolved is what takes the slice away."""

    seconds: float = 0.0

    def verdict(self, row: Row, patch: bytes, open_sandbox: Callable[[Image, str], Sandbox]) -> Graded:
        time.sleep(self.seconds)
        good = b"+    return sum(prices)\n" in patch
        return Graded(Score("resolved") if good else Score("unresolved", "tests_failed"), "memory")


@dataclass
class Local:
    """One folder with a mirror, a models.toml, and runs."""

    folder: Path
    url: str
    lanes: Lanes = field(default_factory=Lanes)
    judge: Judge = field(default_factory=Judge)
    notices: list[Notice] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        self.commit = prepared(self.folder, self.url)

    def planned(self, number: int) -> Planned:
        task = Task(
            f"org__shop-{number:04}", "org/shop", self.commit, Issue(f"The first price is left out {number}", "")
        )
        return Planned(Row(task, Answer(b"", b"", ("t",), ())), "scripted", 1, "suite")

    def attempting(self, out: Path) -> Attempting:
        place = Place(
            Image("quick", str(self.folder / "work"), "/tree"),
            Harness("python -m pytest -q", (), whole_names, structured=True),
            "named",
        )
        return Attempting(
            out,
            self.folder / "mirrors",
            self.folder / "cache",
            lambda row: place,
            lambda image, owner: QuickSandbox(Path(image.ref)),
            self.judge,
            self.lanes,
            {"SOLVE_OFFLINE": "1", "SOLVE_MODELS": str(self.folder / "models.toml")},
        )

    def run(self, out: Path, tasks: int, workers: int) -> History:
        (out / "logs").mkdir(parents=True, exist_ok=True)
        with Ledger(out) as ledger:
            history = History.of(ledger.lines)
            bench = Bench(
                self.attempting(out),
                ledger,
                history,
                Purse(Allowances(), {}, {}, frozenset()),
                Containers(10_000, free=lambda: 1 << 40),
                Crew(workers, workers),
                stop=self.stop,
                pulse=Pulse(lambda: True),
                tell=self.notices.append,
                clear=lambda: None,
            )
            bench.run([Job(self.planned(number), "solve") for number in range(tasks)])
        return history
