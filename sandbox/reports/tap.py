"""The Test Anything Protocol (https://testanything.org), with subtests as node's own runner and tap print them."""

import re

from sandbox.reports.numbered import numbered
from sandbox.testlog import Status, TestCase

_VERSION = re.compile(r"^TAP version 1[34]$", re.MULTILINE)
_POINT = re.compile(
    r"^( *)(not )?ok\b(?: \d+)?(?: -)? ?(.*?)(?: # (SKIP|TODO)\b.*)?(?: # time=.*)?( \{)?$", re.IGNORECASE
)
_COMMENT = re.compile(r"^( *)# (?:Subtest: )?(.+)$")
_SUMMARY = re.compile(r"^(tests|pass|fail|suites|cancelled|skipped|skip|todo|duration_ms|time|ok)\b *=? *[\d.]*$")
_INDENT = 4  # columns of a level


def read(text: str, root: str) -> dict[str, TestCase]:
    if not _VERSION.search(text):
        return {}
    path: dict[int, str] = {}  # the names of the levels above, by level
    found: list[tuple[str, Status]] = []
    for line in text.splitlines():
        if match := _POINT.match(line):
            level = len(match[1]) // _INDENT
            name = match[3].replace(f"{root}/", "") if root else match[3]
            own = name or "unnamed"
            above = [path[place] for place in sorted(path) if place < level]
            if not level and path.get(0, own) != own:  # tape: points at the top belong to the comment before them
                above = [path[0]]
            found.append((" > ".join([*above, own]), _status(match)))
        elif (match := _COMMENT.match(line)) and not _SUMMARY.match(match[2]):
            level = len(match[1]) // _INDENT
            name = match[2].replace(f"{root}/", "") if root else match[2]
            path = {place: title for place, title in path.items() if place < level} | {level: name}
    return {
        name: TestCase(name, status) for name, (_, status) in zip(numbered(n for n, _ in found), found, strict=True)
    }


def _status(match: re.Match[str]) -> Status:
    directive = (match[4] or "").upper()
    if directive == "SKIP":
        return "skipped"
    if directive == "TODO":
        return "xfailed" if match[2] else "passed"
    return "failed" if match[2] else "passed"
