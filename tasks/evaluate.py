"""A patch, a row and a fresh sandbox → `Evidence`. Only the patch's text crosses; what comes back is read on the host.

In the sandbox: the patch without what steers the tests, then the hidden tests, then a canary beside them whose name
nobody can know, then the row's own command.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from random import SystemRandom
from typing import cast

from sandbox.api import MEBIBYTE, Sandbox
from sandbox.canary import Canary as Planted
from sandbox.canary import plant
from sandbox.testlog import TestCase, function_name
from sandbox.testrun import run_tests
from tasks.harness import Harness
from tasks.protected import protected, touched, without
from tasks.score import Applied, Canary, Evidence
from tasks.task import Answer

ROOMS = Path(__file__).parents[1]
APPLY = ROOMS / "tasks" / "inside" / "apply.sh"
PROGRAMS = (
    *(f"tasks/{name}" for name in ("evaluate.py", "score.py", "harness.py", "specs.py", "protected.py", "flags.py")),
    *(f"sandbox/{name}" for name in ("canary.py", "testlog.py", "testrun.py", "inside/solve_report.py")),
    "tasks/inside/apply.sh",
)
MAX_LOG = 64 * MEBIBYTE
_TEST_NAME = re.compile(r"^(unit)?test_|_test\.py$")
SENTINELS = ("tests finished", "Ran ")  # a runner without our reporter came to its end


@cache
def grader() -> str:
    """Names what grades: the text of every program that has a say in a verdict or its marks, and whose parsers read."""
    text = b"".join((ROOMS / name).read_bytes() for name in PROGRAMS)
    try:
        parsers = version("swebench")
    except PackageNotFoundError:
        parsers = "no parsers"
    return hashlib.sha256(text + parsers.encode()).hexdigest()[:12]


class RowBroken(ValueError):
    """The row cannot judge any patch: its own tests do not fit its base commit."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds by stage: start, apply, tests (the row's own command alone), around (starting and reading it), stop."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started


def evaluate(
    open_sandbox: Callable[[], Sandbox],
    harness: Harness,
    answer: Answer,
    patch: bytes,
    close: Callable[[Sandbox], object] = lambda sandbox: sandbox.close(),
) -> Evidence:
    """Grade one patch in a sandbox of its own, which is handed to `close` when nothing of it is needed any more.

    Raises:
        RowBroken: the row's tests cannot be put on its base.
        SandboxUnavailable: the machine is gone: says nothing about the patch.
    """
    watch = Stopwatch()
    with watch.stage("start"):
        sandbox = open_sandbox()
    try:
        return _evaluate(sandbox, harness, answer, patch, watch)
    finally:
        with watch.stage("stop"):
            close(sandbox)


def _evaluate(sandbox: Sandbox, harness: Harness, answer: Answer, patch: bytes, watch: Stopwatch) -> Evidence:
    guarded = guard(answer, harness.command)
    kept, dropped = without(patch, guarded)
    with watch.stage("apply"):
        planted = plant(beside(harness.files)) if _are_paths(harness.files) else None
        how, changed, why = apply(sandbox, patch, kept, answer.test_patch)
        if how == "tests do not fit the base":
            raise RowBroken(f"the row's tests do not apply to its base commit: {why}")
        if how == "not at all":
            return Evidence("not at all", dropped, problem=f"the patch does not apply: {why}", seconds=watch.seconds)
        if how == "tests do not fit the patch":
            return Evidence(
                "not at all", dropped, problem="the patch is in the way of the tests", seconds=watch.seconds
            )
        if planted:
            sandbox.write(planted.path, planted.source)
    strayed = tuple(path for path in changed if guarded(path))
    files = _mixed(harness.files, planted)
    with watch.stage("around"):
        run = _structured if harness.structured else _printed
        evidence = run(sandbox, harness, files, planted, (*answer.fail_to_pass, *answer.pass_to_pass))
    watch.seconds |= {"tests": evidence.seconds["tests"], "around": watch.seconds["around"] - evidence.seconds["tests"]}
    return replace(evidence, applied=cast(Applied, how), dropped=dropped, strayed=strayed, seconds=watch.seconds)


def guard(answer: Answer, command: str) -> Callable[[str], bool]:
    """Which paths of a patch must stand as on the base: the answer's tests and what would come to stand above them (a
    link in place of their folder), the repository's own runner where `command` names it (sympy's `bin/test`), and what
    steers tests, unless the true fix had to change that too."""
    tests, fix = touched(answer.test_patch), touched(answer.patch)
    above = {str(parent) for path in tests for parent in PurePosixPath(path).parents}
    runner = {str(PurePosixPath(word)) for word in command.split() if "/" in word} - fix
    return lambda path: path in tests or path in above or path in runner or (protected(path) and path not in fix)


def _are_paths(files: Sequence[str]) -> bool:
    """Django's runner takes modules, other languages' no file at all: there is no place for a test of ours."""
    return any("/" in file or file.endswith(".py") for file in files)


def beside(files: Sequence[str]) -> str:
    """A name for the canary's neighbour that every pytest collects when it is given by name."""
    paths = [PurePosixPath(file.split("::")[0]) for file in files]
    first = next((path for path in paths if _TEST_NAME.search(path.name)), paths[0])
    return str((first.parent if first.suffix else first) / "test_x.py")


def _mixed(files: Sequence[str], planted: Planted | None) -> list[str]:
    mixed = list(files)
    if planted:
        mixed.insert(SystemRandom().randrange(len(mixed) + 1), planted.path)
    return mixed


def apply(sandbox: Sandbox, patch: bytes, kept: bytes, tests: bytes) -> tuple[str, list[str], str]:
    """How it went, the paths that the patch changed, and the last line of what was printed about it."""
    tmp = sandbox.exec('printf %s "${TMPDIR:-/tmp}"').stdout.decode()
    inside = f"{tmp}/solve-{secrets.token_hex(8)}"
    files = {"whole.patch": patch, "kept.patch": kept if kept.strip() else b"", "tests.patch": tests}
    for name, content in {**files, "apply.sh": APPLY.read_bytes()}.items():
        sandbox.write(f"{inside}/{name}", content)  # through a shell that is open: an archive would take one of its own
    done = sandbox.exec(["sh", f"{inside}/apply.sh", inside], timeout=300, max_output=16 * MEBIBYTE)
    how, _, changed = done.stdout.partition(b"\n")
    if not done.ok or not how:
        raise RowBroken(f"patches cannot be applied in the row's image: {done.text().strip()[-200:]}")
    paths = [path.decode("utf-8", "surrogateescape").removeprefix("./") for path in changed.split(b"\0") if path]
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return how.decode(), paths, said[-1] if said else ""


def _structured(
    sandbox: Sandbox, harness: Harness, files: Sequence[str], planted: Planted | None, wanted: Sequence[str]
) -> Evidence:
    report = run_tests(sandbox, harness.command, files, timeout=harness.timeout)
    cases = [case for case in report.cases.values() if case.id != report.command]
    return Evidence(
        "nothing to apply",
        statuses=harness.read(cases, wanted),
        exit_code=report.exit_code,
        finished=report.usable and bool(cases),
        problem=report.problem,
        timed_out=report.problem.startswith("ran past"),
        canary=_canary(planted, cases),
        seconds={"tests": report.seconds},
        log=report.log,
    )


def _printed(
    sandbox: Sandbox, harness: Harness, files: Sequence[str], planted: Planted | None, wanted: Sequence[str]
) -> Evidence:
    done = sandbox.exec(
        ["/bin/sh", "-c", f'{harness.command} "$@"', "sh", *files],
        env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
        timeout=harness.timeout,
        max_output=MAX_LOG,
        attested=True,
    )
    text = done.text()
    statuses = harness.read(text, wanted)
    return Evidence(
        "nothing to apply",
        statuses=statuses,
        exit_code=done.exit_code,
        finished=any(sentinel in text for sentinel in SENTINELS) if planted else bool(statuses),
        problem=f"ran past its {harness.timeout:.0f} s limit" if done.timed_out else "",
        timed_out=done.timed_out,
        canary=_canary(planted, [case for name in _names(planted) if (case := _said(text, name))]),
        seconds={"tests": done.seconds},
        log=text[-16_000:],
    )


def _names(planted: Planted | None) -> tuple[str, ...]:
    return (planted.fails, planted.passes) if planted else ()


def _said(text: str, name: str) -> TestCase | None:
    """What a runner printed of a planted test. The field's parsers miss the last test of a file (sympy), so they are
    not asked."""
    word = re.search(rf"^{name}\b.*?\s(ok|F|E|FAIL|ERROR)(?:\s|$)", text, re.MULTILINE)
    return TestCase(name, "passed" if word[1] == "ok" else "failed") if word else None


def _canary(planted: Planted | None, cases: Sequence[TestCase]) -> Canary:
    """Whether the planted tests were reported as they had to be."""
    if planted is None:
        return "none"
    found = {function_name(case.id): case for case in cases}
    fails, passes = found.get(planted.fails), found.get(planted.passes)
    if fails is None or passes is None:
        return "missing"
    return "failed" if fails.fails and passes.status == "passed" else "passed"
