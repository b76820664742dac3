"""Which tests a change mends, and which it keeps, found by running them: before it and after it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.api import Sandbox
from sandbox.testlog import Status, TestReport
from sandbox.testrun import run_tests
from tasks.evaluate import RowBroken, apply
from tasks.harness import Harness
from tasks.row import Row

SECONDS = 300.0  # for one run of the test files that the change touches
Open = Callable[[], Sandbox]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """`why` says what is missing to make a row of it; empty if nothing is."""

    why: str = ""
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()


def survey(open_sandbox: Open, harness: Harness, row: Row) -> Surveyed:
    """Run the hidden tests of the row on its base, and on its answer.

    Raises:
        SandboxUnavailable: the machine is gone: says nothing about the row.
    """
    if not harness.structured:
        return Surveyed("its runner is not pytest")
    if not harness.files:
        return Surveyed("changes no tests")
    try:
        before = _run(open_sandbox, harness, row, b"")
        after = _run(open_sandbox, harness, row, row.answer.patch)
    except RowBroken as problem:
        return Surveyed(f"does not apply: {problem}")
    if before.timed_out:  # each run of the empty patch would take as long
        return Surveyed("does not end without it")
    if not after.usable:
        return Surveyed(f"tests do not run: {after.problem}")
    return compared(statuses(before), statuses(after))


def compared(before: Mapping[str, Status], after: Mapping[str, Status]) -> Surveyed:
    """The field's two lists (pure): what did not pass before and does after, and what passes in both."""
    passing = [name for name, status in after.items() if status == "passed" and _is_plain(name)]
    mended = tuple(name for name in passing if before.get(name) not in ("passed", "skipped", "xfailed"))
    if not mended:
        return Surveyed("mends no test")
    if any(status in ("failed", "error") for name, status in after.items() if before.get(name) == "passed"):
        return Surveyed("breaks a test")
    return Surveyed("", mended, tuple(name for name in passing if before.get(name) == "passed"))


def statuses(report: TestReport) -> dict[str, Status]:
    return {case.id: case.status for case in report.cases.values() if case.id != report.command}


def _run(open_sandbox: Open, harness: Harness, row: Row, patch: bytes) -> TestReport:
    with open_sandbox() as sandbox:
        how, _, why = apply(sandbox, patch, patch, row.answer.test_patch)
        if how not in ("git apply", "nothing to apply"):
            raise RowBroken(f"{how}: {why}")
        return run_tests(sandbox, harness.command, harness.files, timeout=SECONDS)


def _is_plain(name: str) -> bool:
    """A name that every file format and parser of the field keeps as it is."""
    return name.isprintable() and " - " not in name
