"""What may become a row: a change of source and tests, and the state before it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.parts import Parts, changed_lines
from tasks.row import Row, Setup
from tasks.task import Answer, Issue, Task

MOST_SOURCE = 8  # files that a fix may change
MOST_LINES = 300  # of the source, added and removed
NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Candidate:
    id: str
    repository: str
    base_commit: str
    parts: Parts
    issue: Issue  # `source` says where its words are from
    created: str  # ISO 8601
    version: str = ""
    release: Mapping[str, object] = field(default_factory=dict)  # the two archives, where it is made of such

    def row(self, fail_to_pass: tuple[str, ...] = (), pass_to_pass: tuple[str, ...] = ()) -> Row:
        return Row(
            Task(self.id, self.repository, self.base_commit, self.issue),
            Answer(self.parts.patch, self.parts.test_patch, fail_to_pass, pass_to_pass),
            Setup(self.version, self.base_commit),
            created=self.created,
        )

    def print(self) -> str:
        """Equal for a change that was made twice, as on a branch and its main line: its source lines alone count."""
        lines = re.findall(rb"^(?:\+\+\+ |[+-](?![+-]{2} )).*$", self.parts.patch, re.MULTILINE)
        return hashlib.sha256(b"\n".join(line.strip() for line in lines)).hexdigest()[:16]


def refused(parts: Parts) -> str:
    """Why such a change makes no row; empty if it may (pure)."""
    if not parts.source:
        return "changes no source"
    if not any(path.endswith(".py") for path in parts.tests):
        return "changes no tests"
    if not parts.patch or len(parts.source) > MOST_SOURCE:
        return "too large"
    if changed_lines(parts.patch) > MOST_LINES:
        return "too large"
    try:
        (parts.patch + parts.test_patch).decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    return ""
