"""What is found out before anybody works: which tests near the likely code pass and fail on the base.

Where the harness ran the base itself that is known. On a row of a benchmark it is not: a whole suite may take hours.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from agents.desk import Memory
from agents.neighbours import like_tests, neighbours
from agents.office import Guide
from agents.record import Json, digest
from sandbox.api import Sandbox
from sandbox.testlog import TestCase, TestReport
from sandbox.testrun import run_tests
from tasks.event import Event
from tasks.solvers import Site
from tasks.task import Task

SECONDS = 120.0  # for all files; one that begins within them may end after them
LIKELY = 5  # source files whose tests are run
FILES = 8
LINES = 2_000  # characters of a message that are kept


def surveyed(task: Task, site: Site, guide: Guide, memory: Memory) -> Site:
    """The site with a baseline, where it has none. What was found out is remembered."""
    if site.baseline.usable:
        return site
    files = neighbours(site.tree, like_tests(site.tree), guide.ranked(task.issue.text())[:LIKELY], FILES)
    if not files:
        return site
    site.tell(Event("baseline", f"running {len(files)} test files near the likely code on the base"))
    row = memory.remember("harness/base", 0, digest(files), lambda: _run(site, files))
    cases = {name: TestCase(name, *rest) for name, *rest in row["cases"]}
    if not cases:
        return site
    baseline = TestReport(site.test_command, int(any(case.fails for case in cases.values())), row["seconds"], cases)
    said = f"{len(cases)} tests: {len(baseline.ids('passed'))} pass, {len(baseline.ids('failed', 'error'))} fail"
    site.tell(Event("baseline", said))
    return replace(site, baseline=baseline, selection=tuple(row["files"]))


def _run(site: Site, files: list[str]) -> Json:
    with site.open() as sandbox:
        reports = by_file(sandbox, site.test_command, files, SECONDS)
    # A command that counts as one failing test did not get as far as its tests.
    good = {
        path: report
        for path, report in reports.items()
        if report.usable and report.cases and report.command not in report.ids("failed")
    }
    cases = [case for report in good.values() for case in report.cases.values()]
    rows = [[case.id, case.status, round(case.seconds, 3), case.message[-LINES:]] for case in cases]
    return {"files": list(good), "seconds": round(sum(report.seconds for report in good.values()), 1), "cases": rows}


def by_file(sandbox: Sandbox, command: str, files: Sequence[str], seconds: float) -> dict[str, TestReport]:
    """Each file by itself, so that one that hangs or does not start takes nothing from the others.

    `seconds` in all: files that are not begun within them are left out; the last one has a quarter of them at least.
    """
    started = time.monotonic()
    reports: dict[str, TestReport] = {}
    for path in files:
        left = seconds - (time.monotonic() - started)
        if left <= 0:
            break
        reports[path] = run_tests(sandbox, command, [path], timeout=max(left, seconds / 4))
    return reports
