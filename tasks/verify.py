"""Runs what a verdict rests on: the base twice and the patch twice, each in a fresh sandbox.

Only data crosses from a solver: the patch. It is applied on the host; the files that it changes are written into a
fresh sandbox with the base tree. What steers tests stands as on the base while they run, and so do the test files.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from sandbox.api import BadInput, Sandbox
from sandbox.canary import Canary, checked, collected, plant
from sandbox.telling import telling
from sandbox.testlog import TestReport, file_name
from sandbox.testrun import run_tests
from sandbox.workspace import Change
from tasks.event import Event, Tell
from tasks.neighbourhood import TEST_NAME
from tasks.protected import protected
from tasks.task import TestFile

# What runners that name no files may read to decide what runs, and where tests of other languages stand.
RECIPES = re.compile(
    r"(^|/)(makefile|gnumakefile|justfile|package\.json|cargo\.toml|\.cargo/config(\.toml)?|\.mocharc\.\w+|\.taprc"
    r"|(jest|vitest|vite|ava|karma|babel)\.config\.\w+|\.babelrc)$",
    re.IGNORECASE,
)
OTHER_TESTS = re.compile(r"_test\.go$|[._-](test|spec)\.[cm]?[jt]sx?$|(^|/)(tests?|__tests__|spec)/")
TEST_FOLDER = re.compile(r"(?<![^/])tests?/")
Open = Callable[[], Sandbox]


@dataclass(frozen=True, slots=True)
class Check:
    """How a tree is tested."""

    open: Open  # a fresh sandbox with the base tree and the task's test files in it
    command: str
    selection: tuple[str, ...]  # further arguments of the command: files or ids; empty is the whole suite
    scope: str  # the same in words
    timeout: float  # seconds, for one run

    @property
    def takes_files(self) -> bool:
        """Whether files may follow the command: it ends in pytest and its options."""
        return re.search(r"(^|\s|/)(py\.test|pytest)(\s+-[^&|;]*)?$", self.command) is not None


@dataclass(frozen=True, slots=True)
class Patched:
    """Runs of a patch, and the paths of it that stood as on the base while they ran."""

    runs: tuple[TestReport, ...]
    restored: tuple[str, ...]


def with_tests(check: Check, tests: Sequence[TestFile]) -> Check:
    """The same with more test files in every sandbox."""

    def fresh() -> Sandbox:
        sandbox = check.open()
        try:
            for test in tests:
                sandbox.write(test.path, test.content)
        except BaseException:
            sandbox.close()
            raise
        return sandbox

    selection = (*check.selection, *(test.path for test in tests)) if check.selection else ()
    return replace(check, open=fresh, selection=selection)


class TooSlow(BadInput):
    """The tests of the base did not end within their time."""


def run_base(check: Check, tell: Tell) -> tuple[TestReport, TestReport]:
    """Two runs of the base, side by side.

    Raises:
        TooSlow: they did not end in time.
        BadInput: the tests cannot be run at all; says why and what to do.
        SandboxUnavailable: the machine is gone.
    """
    files = f" {' '.join(check.selection[:3])}{' ...' if len(check.selection) > 3 else ''}" if check.selection else ""
    tell(Event("baseline", f"running {check.command}{files} twice on the base"))
    # Left by Ctrl-C, the sandboxes are closed first: that ends the commands that the threads wait for.
    with ThreadPoolExecutor(2) as pool, ExitStack() as stack:
        sandboxes = [stack.enter_context(check.open()) for _ in range(2)]
        first, second = pool.map(lambda sandbox: _test(check, sandbox), sandboxes)
    for report in (first, second):
        if not report.usable:
            raise (TooSlow if report.timed_out else BadInput)(_unusable(check, report))
    if not first.cases:
        raise BadInput(f"`{check.command}` found no tests: name the right command with --test-command")
    return first, second


def run_patched(
    check: Check, changes: Sequence[Change], base: Sequence[TestReport], showing: Sequence[str], tell: Tell
) -> Patched:
    """Two runs of the patch, side by side: what differs between them is chance.

    Raises:
        SandboxUnavailable: the machine is gone: says nothing about the patch.
    """
    files = {file_name(name) for report in base for name in report.cases}
    restored = tuple(
        change.path
        for change in changes
        if steers(change.path, files) or (not change.is_new and supports_tests(change.path, files))
    )
    kept = [change for change in changes if change.path not in restored]
    tell(Event("verify", f"running {check.command} twice with the patch, each in a fresh sandbox"))
    beside = showing[0].split("::")[0] if showing else ""
    with ThreadPoolExecutor(2) as pool, ExitStack() as stack:
        opened = [stack.enter_context(check.open()) for _ in range(2)]
        runs = tuple(pool.map(lambda sandbox: _run_watched(check, sandbox, kept, plant(beside)), opened))
    return Patched(runs, restored)


def steers(path: str, files: Collection[str]) -> bool:
    """Whether a changed path stands as on the base while the tests run."""
    named = any(file.endswith(".py") for file in files)  # a runner that names no files: any test file may be one
    like = not named and any(pattern.search(path) for pattern in (TEST_NAME, RECIPES, OTHER_TESTS))
    return protected(path) or is_test(path, files) or like


def is_test(path: str, files: Collection[str]) -> bool:
    """Whether a changed path is one of the files whose tests ran on the base, wherever the runner's root is."""
    return any(path == file or path.endswith("/" + file) for file in files)


def supports_tests(path: str, files: Collection[str]) -> bool:
    """Whether a path lies in a `tests` folder with tests that ran: a helper that they call, a file they compare with.

    Only the folder's name tells such from code, so what stands beside tests elsewhere is code.
    """
    folders = {file[: found.end()] for file in files if (found := TEST_FOLDER.search(file))}
    return any(f"/{folder}" in f"/{path}" for folder in folders)


def put(sandbox: Sandbox, changes: Iterable[Change]) -> None:
    """Write what a patch changes into a sandbox that holds the base tree.

    Raises:
        SandboxUnavailable: the machine is gone.
    """
    for change in changes:
        if change.content is None:
            sandbox.exec(["rm", "-f", "--", change.path])
            # git knows no empty folders, and a file may take the place of one
            sandbox.exec(["rmdir", "-p", "--", str(PurePosixPath(change.path).parent)])
        elif change.is_link:
            sandbox.exec(["mkdir", "-p", "--", str(PurePosixPath(change.path).parent)])
            sandbox.exec(["ln", "-sfn", "--", os.fsdecode(change.content), change.path])
        else:
            sandbox.exec(["rm", "-f", "--", change.path])  # a link there would be written through
            sandbox.write(change.path, change.content, mode=0o755 if change.is_executable else 0o644)


def _run_watched(check: Check, sandbox: Sandbox, changes: Sequence[Change], canary: Canary | None) -> TestReport:
    """A run of the patch that is believed only where its canary is as it must be."""
    try:
        put(sandbox, changes)
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        return TestReport(check.command, 1, 0.0, problem=f"the patch does not fit the tree that is tested: {error}")
    if canary is None:
        return _test(check, sandbox)
    report = _test(check, sandbox, canary)
    if collected(report, canary) or not report.usable:
        return checked(report, canary)
    with check.open() as base:
        on_base = _test(check, base, canary)
    # Where the settings of this suite do not collect it on the base either, its absence says nothing.
    return checked(report, canary) if collected(on_base, canary) else report


def _test(check: Check, sandbox: Sandbox, canary: Canary | None = None) -> TestReport:
    selection = check.selection
    if canary is not None:
        sandbox.write(canary.path, canary.source)
        selection = (*selection, canary.path) if selection else ()
    return run_tests(sandbox, check.command, selection, timeout=check.timeout)


def _unusable(check: Check, report: TestReport) -> str:
    wanted = "quicker" if report.timed_out else "right"
    said = f"`{check.command}`: {report.problem} ({telling(report.log)})"
    return f"the tests cannot be run: {said}: name the {wanted} command with --test-command"
