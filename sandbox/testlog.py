"""What a test runner printed → `TestReport` (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Status = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test, as its runner names it (pytest: the node id)."""

    __test__ = False  # pytest: not a test class
    id: str
    status: Status
    seconds: float = 0.0
    message: str = ""  # first lines of what went wrong

    @property
    def passes(self) -> bool:
        return self.status == "passed"

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

    @property
    def usable(self) -> bool:
        return not self.problem

    def ids(self, *statuses: Status) -> frozenset[str]:
        return frozenset(case.id for case in self.cases.values() if case.status in statuses)
