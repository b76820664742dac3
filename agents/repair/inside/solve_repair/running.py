"""Runs single tests the way pytest does, and says what came of them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

import pytest
from _pytest.outcomes import Skipped

_MESSAGE = 4000  # characters of a failure that are kept


@dataclass
class Outcome:
    status: str = "passed"  # passed, failed, error, skipped
    seconds: float = 0.0  # CPU
    message: str = ""
    file: str = ""
    line: int = 0

    def signature(self) -> list[object]:
        """What tells two failures apart."""
        return [self.status, self.message[:300], self.file, self.line]


class Runner:
    """A pytest plugin too: it hears of every report.

    `light` leaves out what only a reader of failures needs (tracebacks, assertion differences): most of the time of a
    failing test is spent on them.
    """

    def __init__(self) -> None:
        self.light = False
        self.last = Outcome()

    def run(self, item: pytest.Item, following: pytest.Item | None = None) -> Outcome:
        self.last = Outcome()
        before = time.process_time()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        self.last.seconds = time.process_time() - before
        return self.last

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        if self.light:
            import _pytest.assertion.util as util

            util._reprcompare = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        if not self.light:
            return None
        longrepr: Any = None
        outcome = "passed"
        if call.excinfo is not None:
            outcome = "skipped" if isinstance(call.excinfo.value, Skipped) else "failed"
            trace = call.excinfo.tb
            while trace.tb_next is not None:
                trace = trace.tb_next
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

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.outcome == "passed" or self.last.status in ("failed", "error"):
            return
        if report.outcome == "skipped":
            self.last.status = "skipped"
            return
        self.last.status = "failed" if report.when == "call" else "error"
        self.last.message, self.last.file, self.last.line = _where(report.longrepr)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_MESSAGE]
    except Exception:  # the repository's own __str__ may raise anything
        return ""


def _where(longrepr: Any) -> tuple[str, str, int]:
    if isinstance(longrepr, tuple):
        return str(longrepr[2])[:_MESSAGE], str(longrepr[0]), int(longrepr[1])
    crash = getattr(longrepr, "reprcrash", None)
    if crash is None:
        return str(longrepr)[-_MESSAGE:], "", 0
    return str(crash.message)[:_MESSAGE], os.path.realpath(str(crash.path)), int(crash.lineno)
