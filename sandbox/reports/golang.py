"""`go test`, with `-json` (https://pkg.go.dev/cmd/test2json) or `-v`, or with neither: then packages only.

A test is `TestName/subtest (package)`. A package is a case too, which fails where it cannot be built or dies: then none
of its tests is reported.
"""

import json
import re
from collections.abc import Iterator

from sandbox.testlog import Status, TestCase

_ENDS: dict[str, Status] = {"pass": "passed", "fail": "failed", "skip": "skipped"}
_WORDS: dict[str, Status] = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
_TEST = re.compile(r"^ *--- (PASS|FAIL|SKIP): (\S+) \((\d+\.\d+)s\)$")
_PACKAGE = re.compile(r"^(ok|FAIL)\s+(\S+/\S+|\S+)\s+(\(cached\)|\d+\.\d+s|\[build failed\]|\[setup failed\])")
_MESSAGE = 2000  # characters of a failure that are kept


def read(text: str, root: str) -> dict[str, TestCase]:
    del root  # packages have names of their own
    events = list(_events(text))
    return _of_events(events) if events else _of_lines(text)


def said(text: str) -> str:
    """The text with what the events of `-json` hold in place of them."""
    if '"Action"' not in text:
        return text
    return "".join(_plain(line) for line in text.splitlines(keepends=True))


def _plain(line: str) -> str:
    event = _event(line)
    if event is None:
        return line
    output = event.get("Output")
    return output if isinstance(output, str) else ""


def _event(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and isinstance(row.get("Action"), str) else None


def _events(text: str) -> Iterator[dict[str, object]]:
    return (row for line in text.splitlines() if (row := _event(line)) and isinstance(row.get("Package"), str))


def _of_events(events: list[dict[str, object]]) -> dict[str, TestCase]:
    outputs: dict[tuple[str, str], str] = {}
    ended: dict[tuple[str, str], tuple[Status, float]] = {}
    for row in events:
        key = str(row["Package"]), str(row.get("Test", ""))
        if row["Action"] == "output":
            outputs[key] = (outputs.get(key, "") + str(row.get("Output", "")))[-_MESSAGE:]
        elif row["Action"] == "run":
            ended[key] = "error", 0.0  # until it ends
        elif status := _ENDS.get(str(row["Action"])):
            elapsed = row.get("Elapsed")
            ended[key] = status, float(elapsed) if isinstance(elapsed, int | float) else 0.0
    broken = {package for (package, test), (status, _) in ended.items() if test and status in ("failed", "error")}
    cases = {}
    for (package, test), (status, seconds) in ended.items():
        if not test and status == "skipped":  # it has no test files
            continue
        if not test and package in broken:
            status = "passed"  # it was built, and says which test failed
        name = f"{test} ({package})" if test else package
        message = outputs.get((package, test), "") if status in ("failed", "error") else ""
        cases[name] = TestCase(name, status, seconds, message)
    return cases


def _of_lines(text: str) -> dict[str, TestCase]:
    cases: dict[str, TestCase] = {}
    waiting: list[tuple[str, Status, float]] = []  # tests stand before the line of their package
    for line in text.splitlines():
        if match := _TEST.match(line):
            waiting.append((match[2], _WORDS[match[1]], float(match[3])))
        elif match := _PACKAGE.match(line):
            package = match[2]
            for test, status, seconds in waiting:
                name = f"{test} ({package})"
                cases[name] = TestCase(name, status, seconds)
            fine = match[1] == "ok" or any(status == "failed" for _, status, _ in waiting)
            cases[package] = TestCase(package, "passed" if fine else "failed")
            waiting = []
    return cases
