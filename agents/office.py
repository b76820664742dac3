"""What every role is handed: the task, the site, its models, and where things are kept. Never part of the state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from agents.advice import advice
from agents.conventions import Conventions, conventions
from agents.conversation import Brain
from agents.desk import Desk, Finder, Memory
from agents.evidence import failing_before
from agents.models import Role
from agents.prompts import render
from agents.state import Files, Store
from sandbox.testlog import TestReport, file_name, is_named
from tasks.event import Event, Stage
from tasks.solvers import Site
from tasks.task import Task

CONTEXT = 6_000  # tokens of code that an opening shows
ISSUE = 40_000  # characters
TEST, MESSAGE = 8_000, 3_000


class Guide(Protocol):
    """Knows the code: which files may matter, their text, and where something is found."""

    def ranked(self, text: str) -> Sequence[str]:
        """Paths, best first."""
        ...

    def context(self, text: str, tokens: int) -> str: ...

    @property
    def find(self) -> Finder: ...


@dataclass(frozen=True)
class Office:
    task: Task
    site: Site
    brains: Mapping[Role, Brain]
    memory: Memory
    guide: Guide
    clean: Callable[[str], str]
    attempt: str = ""  # which of several attempts, as the start of every seat's name
    keep_test: bool = True  # the test that was written stays in the patch
    approve: frozenset[str] = field(default_factory=frozenset)  # where a person is asked: plan, patch

    @cached_property
    def store(self) -> Store:
        return Store(self.site.folder / "files")

    @cached_property
    def showing(self) -> Sequence[str]:
        """Failing tests that came with the task, or that the issue names. Others may fail for reasons of their own."""
        text = self.task.issue.text()
        known = sorted(self.site.showing)
        return known if self.task.tests else [name for name in known if is_named(name, text)]

    @cached_property
    def likely(self) -> Sequence[str]:
        return self.guide.ranked(self.task.issue.text())

    @cached_property
    def conventions(self) -> Conventions:
        ran = sorted({file_name(name) for name in self.site.baseline.cases})
        return conventions(self.site.tree, ran, self.likely)

    def seat(self, name: str) -> str:
        return f"{self.attempt}{name}"

    def desk(self, seat: str, given: Files, showing: Sequence[str]) -> Desk:
        return Desk(self.site, seat, self.memory, self.guide.find, self.clean, given=given, showing=showing)

    def tell(self, stage: Stage, text: str) -> None:
        self.site.tell(Event(stage, text))

    def shown(self, showing: Sequence[str], written: Files, said: str = "") -> str:
        """The tests that show the issue, for a prompt: what was written, and what they said on the base."""
        if not showing:
            return ""
        parts = [self._written(path, data or b"") for path, data in written.items()]
        cases = [self.site.baseline.cases[name] for name in showing if name in self.site.baseline.cases]
        messages = [f"{case.id}\n{case.message[-MESSAGE:]}" for case in cases[:2] if case.message]
        return "\n\n".join(["They fail now: " + ", ".join(showing[:20]), *parts, *messages, said[-MESSAGE:]]).strip()

    def _written(self, path: str, data: bytes) -> str:
        """A written test without what stood in its file before."""
        text = data.decode("utf-8", "replace")
        place = self.site.tree / path
        if place.is_file() and not place.is_symlink():
            before = place.read_text("utf-8", "replace").rstrip()
            if text.startswith(before):
                return f"{path}, at its end:\n{text[len(before) :].strip()[:TEST]}"
        return f"{path}:\n{text[:TEST]}"

    def opening(self, seat: str, *, showing: str = "", notes: str = "", task: str = "", context: str = "") -> str:
        """What a seat is told first. Kept as it was: a resumed run opens with the same words."""

        def make() -> Mapping[str, str]:
            text = render(
                "opening",
                command=self.site.test_command,
                failing=failing_before(self.site.baseline, self.showing, self.site.selection),
                advice=advice(self.site.tree),
                issue=self.task.issue.text()[:ISSUE],
                context=context,
                showing=showing,
                notes=notes,
                task=task,
            )
            return {"text": self.clean(text)}

        return str(self.memory.remember(seat, 0, "opening", make)["text"])

    def code(self) -> str:
        """The code that may matter, for an opening."""
        return self.guide.context(self.task.issue.text(), CONTEXT)


def told(report: TestReport) -> str:
    """One line on a run, for the live view."""
    return f"{len(report.ids('passed'))} of {len(report.cases)} tests pass"
