"""What a test runner printed → `TestReport` (pure)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

Status = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

# One test has several reports (set-up, call, tear-down, subtests): the first of these that any of them has, is its
# status. A skip or an expected failure outranks the passed set-up and tear-down around it.
WORST_FIRST: tuple[Status, ...] = ("error", "failed", "xpassed", "xfailed", "skipped", "passed")

LINE = re.compile(
    r"^(?P<name>\S+ \([\w.<>]+\))(?:\n.*?)?? \.\.\. "
    r"(?P<word>ok|FAIL|ERROR|skipped|expected failure|unexpected success)",
    re.MULTILINE,
)
WORDS: Mapping[str, Status] = {
    "ok": "passed",
    "FAIL": "failed",
    "ERROR": "error",
    "skipped": "skipped",
    "expected failure": "xfailed",
    "unexpected success": "xpassed",
}


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test, as its runner names it (pytest: the node id)."""

    __test__ = False  # pytest: not a test class
    id: str
    status: Status
    seconds: float = 0.0
    message: str = ""  # the end of what it said when it did not pass

    @property
    def fails(self) -> bool:
        return self.status in ("failed", "error")


@dataclass(frozen=True, slots=True)
class TestReport:
    """One run of a test command."""

    __test__ = False
    command: str  # as a person would type it
    exit_code: int  # attested by the engine
    seconds: float
    cases: Mapping[str, TestCase] = field(default_factory=lambda: MappingProxyType({}))
    problem: str = ""  # why the run cannot be used: not found, crashed before collecting, collected nothing, timed out
    log: str = ""  # the last lines it printed
    timed_out: bool = False

    @property
    def usable(self) -> bool:
        return not self.problem

    def ids(self, *statuses: Status) -> frozenset[str]:
        return frozenset(case.id for case in self.cases.values() if case.status in statuses)

    def as_json(self) -> dict[str, object]:
        tests = {
            case.id: {"status": case.status, "seconds": round(case.seconds, 4), "message": case.message}
            for case in self.cases.values()
        }
        return {
            "command": self.command,
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 3),
            "problem": self.problem,
            "counts": {status: len(self.ids(status)) for status in get_args(Status) if self.ids(status)},
            "tests": tests,
        }


@dataclass(frozen=True, slots=True)
class Reported:
    """What the report file of one pytest session says. `end` is None if the session never reached its end."""

    cases: Mapping[str, TestCase]
    end: int | None


def read_report(lines: Iterable[bytes]) -> Reported:
    """The lines that `inside/solve_report.py` wrote. Hostile data: what is no such line is passed over."""
    parts: dict[str, list[tuple[str, TestCase]]] = {}
    end: int | None = None
    for line in lines:
        row = _row(line)
        name, ended = row.get("id"), row.get("end")
        if isinstance(ended, int):
            end = ended
        elif isinstance(name, str) and name:
            case = TestCase(name, _status(row), _seconds(row), str(row.get("message", "")))
            parts.setdefault(name, []).append((str(row.get("when")), case))
    return Reported({name: _joined(reports) for name, reports in parts.items()}, end)


def function_name(test: str) -> str:
    """The function that a test id names: `f` of `a/test_x.py::Class::f[1]` and of `f (a.Class)`."""
    return re.split(r"[\[( ]", test)[0].split("::")[-1]


def file_name(test: str) -> str:
    """The file that a test id names, `a.py` of `a.py::f` and `a.js` of `a.js > suite > f`; the id if it names none."""
    separator = " > " if " > " in test and ".py::" not in test else "::"
    return test.split(separator)[0]


def is_named(test: str, text: str) -> bool:
    """Whether a text names the test: its function, or its title where runners have sentences for names."""
    if " > " in test and ".py::" not in test:
        return test.split(" > ")[-1] in text
    return re.search(rf"\b{re.escape(function_name(test))}\b", text) is not None


def read_unittest(text: str) -> dict[str, TestCase]:
    """Tests that `python -m unittest -v` printed, by its own names: `test_x (module.Class)`."""
    return {match["name"]: TestCase(match["name"], WORDS[match["word"]]) for match in LINE.finditer(text)}


def _row(line: bytes) -> dict[str, object]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _seconds(row: Mapping[str, object]) -> float:
    value = row.get("seconds", 0.0)
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e9 else 0.0


def _status(row: Mapping[str, object]) -> Status:
    outcome, when, xfail = row.get("outcome"), row.get("when"), bool(row.get("xfail"))
    if outcome == "passed":
        return "xpassed" if xfail and when == "call" else "passed"
    if outcome == "skipped":
        return "xfailed" if xfail else "skipped"
    return "failed" if when == "call" else "error"


def _joined(reports: list[tuple[str, TestCase]]) -> TestCase:
    cases = [case for _, case in reports]
    statuses = {case.status for case in cases}
    status = next(status for status in WORST_FIRST if status in statuses)
    message = next((case.message for case in cases if case.status == status and case.message), "")
    if status == "passed" and "call" not in {when for when, _ in reports}:
        status, message = "error", "it never ended: the run was killed in it"
    return TestCase(cases[0].id, status, sum(case.seconds for case in cases), message)
