"""The `Solver` contract, and the two yardsticks that prove a scorer without a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sandbox.api import Sandbox
from sandbox.testlog import TestReport
from tasks.event import Tell
from tasks.limits import Budget
from tasks.task import Answer, Attempt, Task
from tasks.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Site:
    """Where a solver may work, and what the harness already knows. Everything it needs is handed in here."""

    open: Callable[[], Sandbox]  # a fresh sandbox with the base tree and the task's test files in it
    tree: Path  # the same tree on the host, to be read and parsed, never run and never written
    patch: Callable[[Mapping[str, bytes | None]], bytes]  # changed files (None: deleted) → patch against the base
    baseline: TestReport  # the base tree's own run of `test_command`
    showing: tuple[str, ...]  # ids of tests that fail on the base and show the issue; may be empty
    test_command: str  # a shell line; with pytest, ids and files may follow it
    budget: Budget
    tell: Tell
    offer: Callable[[bytes], None]  # the best patch so far: kept at once, whatever happens next
    verdict: Callable[[Attempt], Verdict]  # what the run would come to with this attempt: the harness runs it
    folder: Path  # the solver's own files in the run directory
    suspicion: Mapping[tuple[str, int], float] = field(default_factory=dict)  # `Attempt.suspicion` of an earlier stage
    selection: tuple[str, ...] = ()  # what of the suite the baseline ran and guards, as arguments; empty: all of it


class Solver(Protocol):
    """Turns a task into a patch. It never sees an `Answer`."""

    @property
    def name(self) -> str: ...

    def solve(self, task: Task, site: Site) -> Attempt:
        """What it could do within `site.budget`; a task it cannot solve is an attempt with `gave_up`.

        Raises:
            SandboxUnavailable: the machine is gone. Never a fault of the attempt.
        """
        ...


class EmptySolver:
    """Changes nothing: no valid benchmark row is resolved by it."""

    name = "empty"

    def solve(self, task: Task, site: Site) -> Attempt:
        return Attempt(b"", "gave_up", "the empty solver changes nothing")


class GoldSolver:
    """Hands in the answer: every valid benchmark row is resolved by it."""

    name = "gold"

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers

    def solve(self, task: Task, site: Site) -> Attempt:
        answer = self._answers.get(task.id)
        if answer is None:
            return Attempt(b"", "gave_up", "no answer is known for this task")
        return Attempt(answer.patch, "patched")
