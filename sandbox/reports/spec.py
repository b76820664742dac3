"""The indented lists with a mark for each test that mocha, jest, vitest and node's runner print for people.

Read only where the runner's own summary stands below: marks alone are anybody's.
"""

import re

from sandbox.reports.numbered import numbered
from sandbox.testlog import Status, TestCase

_SUMMARY = re.compile(r"^ *(?:\d+ passing\b|Tests:? +.*\b(?:passed|failed)\b|. tests \d+$)", re.MULTILINE)
_MARKED = re.compile(
    r"^( *)([✔✓√✖✕×✗﹣○↓]|(?<= )-|(?<= )\d+\)) +(\S.*?)(?: +\(?[\d.]+ ?m?s\)?)?(?: # (?:SKIP|TODO).*)?$"
)
_PASSED, _FAILED = "✔✓√", "✖✕×✗"
_HEADING = re.compile(r"^(?:( +)(?:▶ +)?|▶ +|(?:PASS|FAIL) +)(\S.*?)(?: +\([\d.]+ ?m?s\))?$")


def read(text: str, root: str) -> dict[str, TestCase]:
    del root
    summary = _SUMMARY.search(text)
    if summary is None:
        return {}
    above: dict[int, str] = {}  # headings by their indentation
    found: list[tuple[str, Status]] = []
    for line in text[: summary.start()].splitlines():
        if match := _MARKED.match(line):
            depth = len(match[1])
            names = [above[place] for place in sorted(above) if place < depth]
            found.append((" > ".join([*names, match[3]]), _status(match[2])))
        elif match := _HEADING.match(line):
            depth = len(match[1] or "")
            above = {place: name for place, name in above.items() if place < depth} | {depth: match[2]}
    return {
        name: TestCase(name, status) for name, (_, status) in zip(numbered(n for n, _ in found), found, strict=True)
    }


def _status(mark: str) -> Status:
    if mark in _PASSED:
        return "passed"
    return "failed" if mark in _FAILED or mark.endswith(")") else "skipped"
