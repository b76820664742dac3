"""What every role is handed: the task, the site, its models, and where things are kept. Never part of the state."""

from collections.abc import Callable, Collection, Mapping, Sequence
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
from agents.room import Room, clipped, room
from agents.state import Files, Store
from sandbox.testlog import TestReport, file_name, is_named
from tasks.event import Event, Stage
from tasks.solvers import Site
from tasks.task import Task

MESSAGE = 1_500  # characters: where two failing tests have as much each, both say what they said


class Guide(Protocol):
    """Knows the code: which files may matter, their text, and where something is found."""

    def ranked(self, text: str) -> Sequence[str]:
        """Paths, best first."""
        ...

    def context(self, text: str, tokens: int) -> str: ...

    def homes(self, name: str) -> Collection[str]:
        """The files that define a name; tests are none."""
        ...

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

    def room(self, role: Role) -> Room:
        return room(self.brains[role].model)

    def desk(self, role: Role, seat: str, given: Files, showing: Sequence[str]) -> Desk:
        find, homes, most = self.guide.find, self.guide.homes, self.room(role).tool
        return Desk(self.site, seat, self.memory, find, homes, self.clean, given=given, showing=showing, most=most)

    def tell(self, stage: Stage, text: str) -> None:
        self.site.tell(Event(stage, text))

    def shown(self, role: Role, showing: Sequence[str], written: Files, said: str = "") -> str:
        """The tests that show the issue, for a prompt: what was written, and what they said on the base."""
        if not showing:
            return ""
        most = self.room(role)
        parts = [self._written(path, data or b"", most.test) for path, data in written.items()]
        cases = [self.site.baseline.cases[name] for name in showing if name in self.site.baseline.cases]
        said_by = [case for case in cases if case.message][: max(1, most.message // MESSAGE)]
        messages = [f"{case.id}\n{clipped(case.message, most.message)}" for case in said_by]
        more = f" and {len(showing) - most.names} more" if len(showing) > most.names else ""
        named = f"They fail now: {', '.join(showing[: most.names])}{more}"
        return "\n\n".join([named, *parts, *messages, clipped(said, most.message)]).strip()

    def _written(self, path: str, data: bytes, most: int) -> str:
        """A written test without what stood in its file before."""
        text = data.decode("utf-8", "replace")
        place = self.site.tree / path
        if place.is_file() and not place.is_symlink():
            before = place.read_text("utf-8", "replace").rstrip()
            if text.startswith(before):
                return f"{path}, at its end:\n{text[len(before) :].strip()[:most]}"
        return f"{path}:\n{text[:most]}"

    def opening(
        self, role: Role, seat: str, *, showing: str = "", notes: str = "", task: str = "", code: bool = True
    ) -> str:
        """What a seat is told first. Kept as it was: a resumed run opens with the same words."""

        def make() -> Mapping[str, str]:
            most, issue = self.room(role), self.task.issue.text()
            text = render(
                "opening",
                command=self.site.test_command,
                failing=failing_before(self.site.baseline, self.showing, self.site.selection),
                advice=advice(self.site.tree, most.advice),
                issue=issue[: most.issue],
                context=self.guide.context(issue, most.code) if code else "",
                showing=showing,
                notes=notes,
                task=task,
            )
            return {"text": self.clean(text)}

        return str(self.memory.remember(seat, 0, "opening", make)["text"])


def told(report: TestReport) -> str:
    """One line on a run, for the live view."""
    return f"{len(report.ids('passed'))} of {len(report.cases)} tests pass"
