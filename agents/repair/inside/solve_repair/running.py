"""Runs single tests the way pytest does, and says what came of them."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pytest
from _pytest.outcomes import Skipped

_ADDRESS = re.compile(r"(?:0x|\.\.\.x?)[0-9a-fA-F]+")  # pytest shortens long values: <generator o...7fa5101b5030>
_TOO_DEEP = "RecursionError"
_MESSAGE = 4000  # characters of a failure that are kept
WRONG = "AssertionError"


@dataclass
class Outcome:
    status: str = "passed"  # passed, failed, error, skipped
    seconds: float = 0.0  # CPU
    message: str = ""
    reached: int = 0  # line of the test's own file that it failed at

    def further(self, base: Outcome) -> bool:
        """Whether this failure is a later one than that: of a later line, or a wrong value where there was none."""
        if 0 < base.reached < self.reached:
            return True
        return self.message.startswith(WRONG) and not base.message.startswith(WRONG)

    def signature(self) -> list[str]:
        """What tells two failures apart. Where recursion is cut off differs from run to run."""
        said = _TOO_DEEP if self.message.startswith(_TOO_DEEP) else _ADDRESS.sub("", self.message[:300])
        return [self.status, said]


class Runner:
    """A pytest plugin too: it makes every report, and hears of it.

    Reports have no traceback: most of the time of a failing test would be spent on it. `light` leaves out what an
    assertion says of two values' differences, too.
    """

    def __init__(self) -> None:
        self.light = False
        self.last = Outcome()
        self._parameters: dict[str, dict[str, Any]] = {}  # of each test, as they were before it first ran

    def run(self, item: pytest.Item, following: pytest.Item | None = None) -> Outcome:
        self.last = Outcome()
        self._renew_parameters(item)
        before = time.process_time()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        self.last.seconds = time.process_time() - before
        return self.last

    def _renew_parameters(self, item: pytest.Item) -> None:
        """A test may change the lists it is parametrized with; the next candidate must not see that."""
        callspec = getattr(item, "callspec", None)
        if callspec is not None:
            first = self._parameters.setdefault(item.nodeid, plain_copy(dict(callspec.params)))
            callspec.params.update(plain_copy(first))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        if self.light:
            import _pytest.assertion.util as util

            util._reprcompare = None

    # Not first: for unittest's classes pytest itself puts the failure into `call` before.
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        longrepr: Any = None
        outcome = "passed"
        if call.excinfo is not None:
            outcome = "skipped" if isinstance(call.excinfo.value, Skipped) else "failed"
            trace = self._reach(str(item.fspath), call.excinfo.tb)
            text = f"{call.excinfo.typename}: {_text(call.excinfo.value)}"
            longrepr = (trace.tb_frame.f_code.co_filename, trace.tb_lineno, text)
        return pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome=outcome,  # type: ignore[arg-type]
            longrepr=longrepr,
            when=call.when,  # type: ignore[arg-type]
        )

    def _reach(self, path: str, trace: TracebackType) -> TracebackType:
        """Note the innermost line of the test's own file; returns where the exception was raised."""
        while True:
            if trace.tb_frame.f_code.co_filename == path:
                self.last.reached = trace.tb_lineno
            if trace.tb_next is None:
                return trace
            trace = trace.tb_next

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.outcome == "passed" or self.last.status in ("failed", "error"):
            return
        if report.outcome == "skipped":
            self.last.status = "skipped"
            return
        self.last.status = "failed" if report.when == "call" else "error"
        self.last.message = _message(report.longrepr)


def plain_copy(value: Any) -> Any:
    """A copy of nested built-in containers; whatever else is in them stays the same object."""
    kind = type(value)
    if kind is dict:
        return {key: plain_copy(item) for key, item in value.items()}
    if kind in (list, tuple, set):
        return kind(plain_copy(item) for item in value)
    return bytearray(value) if kind is bytearray else value


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_MESSAGE]
    except Exception:  # the repository's own __str__ may raise anything
        return ""


def _message(longrepr: Any) -> str:
    if isinstance(longrepr, tuple):
        return str(longrepr[2])[:_MESSAGE]
    crash = getattr(longrepr, "reprcrash", None)  # of a report that another plugin made
    return str(longrepr)[-_MESSAGE:] if crash is None else str(crash.message)[:_MESSAGE]
