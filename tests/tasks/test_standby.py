"""Containers are started ahead of their turn, taken once, and none is left."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.api import Image, Sandbox, SandboxUnavailable
from sandbox.fake import FakeSandbox, Step, done
from tasks.environment import Place
from tasks.grade import Cache, Grader
from tasks.harness import Harness, whole_names
from tasks.row import Row, Setup
from tasks.standby import Standby
from tasks.task import Answer, Issue, Task


def test_what_was_ordered_is_taken_once_and_the_rest_is_closed() -> None:
    standby, first, second, used = Standby(), FakeSandbox(), FakeSandbox(), FakeSandbox()
    standby.order("a", lambda: first)
    standby.order("a", lambda: second)
    standby.order("b", lambda: None)
    assert standby.take("a") is first
    assert standby.take("b") is None
    assert standby.take("nobody ordered this") is None
    standby.end(used)
    standby.close()
    assert [each.closed for each in (first, second, used)] == [False, True, True]


def test_what_fails_ahead_fails_for_who_takes_it_and_for_nobody_else() -> None:
    def broken() -> Sandbox:
        raise SandboxUnavailable("the engine is gone")

    standby = Standby()
    standby.order("a", broken)
    standby.order("a", broken)
    with pytest.raises(SandboxUnavailable):
        standby.take("a")
    standby.close()


HARNESS = Harness("pytest", ("tests/test_a.py",), whole_names, structured=True)
FIRST = Row(Task("one", "o/n", "a" * 40, Issue("t", "b")), Answer(b"", b"", ("t::a",), ()), Setup("1"))
SECOND = replace(FIRST, task=replace(FIRST.task, id="two"))


class Engine:
    """Containers in which no patch applies; notes what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.made: list[FakeSandbox] = []

    def __call__(self, image: Image, task: str) -> Sandbox:
        self.asked.append(task)
        script = [Step(re.compile("TMPDIR"), done(b"/tmp")), Step(re.compile("apply.sh"), done(b"not at all\n"))]
        self.made.append(FakeSandbox(script))
        return self.made[-1]


def grader_of(engine: Engine, folder: Path) -> Grader:
    return Grader(lambda row: Place(Image("docker", "sha256:1", "/testbed"), HARNESS, "named"), engine, Cache(folder))


def test_the_container_of_the_following_patch_is_used_for_it(tmp_path: Path) -> None:
    engine = Engine()
    grader = grader_of(engine, tmp_path)
    assert grader.grade(FIRST, b"p", (SECOND, b"q")).score.outcome == "unresolved"
    assert grader.grade(SECOND, b"q").score.outcome == "unresolved"
    grader.close()
    assert (engine.asked, [each.closed for each in engine.made]) == (["one", "two"], [True, True])


def test_nothing_starts_for_a_verdict_that_is_known_and_nothing_is_left(tmp_path: Path) -> None:
    engine = Engine()
    grader = grader_of(engine, tmp_path)
    grader.grade(SECOND, b"q")
    grader.grade(FIRST, b"p", (SECOND, b"q"))
    grader.grade(FIRST, b"other", (SECOND, b"another"))
    grader.close()
    assert engine.asked[:3] == ["two", "one", "one"]  # the last may be taken back before it starts
    assert all(each.closed for each in engine.made)
