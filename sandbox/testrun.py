"""Runs a test command in a sandbox and says what came of it: `TestReport`.

Any command that ends in pytest (directly, by make, by tox that passes the environment on) loads our reporter through
PYTEST_PLUGINS and is read test by test. Of `unittest -v` and of the runners in `sandbox.reports` the printed lines are
read. Of anything else only the exit status is known: the whole command counts as one test.
"""

import re
import secrets
import shlex
from collections.abc import Sequence
from pathlib import Path

from sandbox.api import MEBIBYTE, ExecResult, PathRefused, Sandbox, SandboxError
from sandbox.reports.golang import said
from sandbox.reports.printed import read_printed
from sandbox.testlog import Reported, TestCase, TestReport, read_report, read_unittest

REPORTER = Path(__file__).parent / "inside" / "solve_report.py"
PREFIX = 'PYTHONPATH="$SOLVE_PLUGINS${PYTHONPATH:+:$PYTHONPATH}"; export PYTHONPATH; '
LOG = 16_000  # characters of output that are kept

# pytest's own exit statuses: https://docs.pytest.org/en/stable/reference/exit-codes.html
PYTEST_ENDS = {2: "was interrupted", 3: "had an internal error", 4: "was called wrongly", 5: "collected no tests"}
_WHOLE = re.compile(r"(^|[;&|]\s*)(go|cargo|npm|npx|node|yarn|pnpm)\s")
# What other runners say where there is nothing to run; read only where no test was.
_NONE = re.compile(r"\[no test files\]|^No tests? (?:files? )?found|no test specified|^running 0 tests$", re.MULTILINE)


def run_tests(
    sandbox: Sandbox, command: str, selection: Sequence[str] = (), *, timeout: float, cwd: str = ""
) -> TestReport:
    """Run `command` (a shell line) with `selection` (pytest node ids or files) as further arguments.

    Where the runner is known to take no such arguments all its tests run.
    A command that fails, crashes or runs out of time is an ordinary report with a `problem`.

    Raises:
        SandboxUnavailable: the machine is gone; says nothing about the tests.
    """
    selection = selection if selects(command) else ()
    tmp = sandbox.exec('printf %s "${TMPDIR:-/tmp}"').stdout.decode()
    folder = f"{tmp}/solve-{secrets.token_hex(8)}"  # the suite cannot guess it
    sandbox.write(f"{folder}/solve_report.py", REPORTER.read_bytes())
    env = {
        "SOLVE_PLUGINS": folder,
        "SOLVE_REPORT": f"{folder}/report.jsonl",
        "PYTEST_PLUGINS": "solve_report",
        # every test counts, whatever the repository's settings say of the first failure
        "PYTEST_ADDOPTS": "--continue-on-collection-errors --maxfail=0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    done = sandbox.exec(
        ["/bin/sh", "-c", f'{PREFIX}{command} "$@"', "sh", *selection],
        cwd=cwd,
        env=env,
        timeout=timeout,
        max_output=8 * MEBIBYTE,
        attested=True,
    )
    try:
        lines = sandbox.read(f"{folder}/report.jsonl", max_bytes=256 * MEBIBYTE).splitlines()
    except (OSError, PathRefused) as error:  # what the tests made of it: not there, a folder, too large
        if isinstance(error, SandboxError) and not isinstance(error, PathRefused):
            raise
        lines = []
    line = " ".join([command, *map(shlex.quote, selection)])
    return report(line, done, read_report(lines), timeout, sandbox.workdir)


def selects(command: str) -> bool:
    """Whether files or ids of tests may follow a command: runners of other languages want other arguments."""
    return _WHOLE.search(command) is None


def report(command: str, done: ExecResult, reported: Reported, timeout: float, root: str = "") -> TestReport:
    """What a finished command and its report file add up to (pure). `root`: the worktree, as the command saw it."""
    text = done.text()
    cases = dict(reported.cases) or read_unittest(text)
    if not cases and (printed := read_printed(text, root)):
        # Where it cannot be built there is nothing to read, and the whole command is what fails; here it could.
        cases = {command: TestCase(command, "passed"), **printed}
        text = said(text)
    problem = _problem(done, reported, bool(cases), timeout)
    if not cases and not problem:
        cases = {command: TestCase(command, "passed" if done.ok else "failed", done.seconds, text[-2000:])}
    return TestReport(command, done.exit_code, done.seconds, cases, problem, text[-LOG:], done.timed_out)


def _problem(done: ExecResult, reported: Reported, any_case: bool, timeout: float) -> str:
    if done.timed_out:
        return f"ran past its {timeout:.0f} s limit"
    if done.exit_code in (126, 127) and not any_case:
        return "the command was not found" if done.exit_code == 127 else "the command is not executable"
    if reported.end is None:
        return "pytest crashed before it finished" if reported.cases else _unreported(done)
    if not any_case and done.exit_code in PYTEST_ENDS:
        return f"pytest {PYTEST_ENDS[done.exit_code]}"
    # The exit status is attested, the report is not: a success that its own report denies is not believed. The other
    # way round is ordinary: coverage floors and commands behind pytest fail where every test passed.
    if done.exit_code == 0 and (reported.end != 0 or any(case.fails for case in reported.cases.values())):
        return "exit status 0, but its report says otherwise"
    return "ended by a signal" if done.exit_code > 128 else ""


def _unreported(done: ExecResult) -> str:
    """Without a report the command may be another runner, or a pytest that died on its way."""
    text = done.text()
    if (done.exit_code == 4 and "ERROR:" in text) or "No module named pytest" in text:
        return "pytest could not start"
    if done.exit_code == 3 and "INTERNALERROR" in text:
        return "pytest had an internal error"
    if "Ran 0 tests" in text:
        return "unittest collected no tests"
    if _NONE.search(text):
        return "found no tests"
    return "ended by a signal" if done.exit_code > 128 else ""
