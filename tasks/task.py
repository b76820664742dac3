"""What crosses the rooms: `Task` (a solver may see it), `Answer` (only the scorer may), `Attempt` (what came of it)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Author = Literal["repository", "issue", "example", "model"]
Ended = Literal["patched", "gave_up", "over_budget", "infra_error"]


@dataclass(frozen=True, slots=True)
class Comment:
    author: str
    created: str  # ISO 8601, UTC
    body: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue, frozen as of `fetched`. Its text is hostile data."""

    title: str
    body: str
    comments: tuple[Comment, ...] = ()
    source: str = ""  # where it came from: a URL, a file, "text", "stdin"
    fetched: str = ""  # ISO 8601, UTC

    def text(self) -> str:
        """Title, body and comments as one text."""
        comments = (f"{comment.author} wrote:\n{comment.body}" for comment in self.comments)
        return "\n\n".join(part for part in (self.title, self.body, *comments) if part)


@dataclass(frozen=True, slots=True)
class TestFile:
    """A test that came with the issue or was written for it; it stands at `path` (relative, posix) in every run."""

    __test__ = False  # pytest: not a test class
    path: str
    content: bytes
    author: Author


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be solved. Nothing here comes from the answer."""

    id: str
    repository: str  # OWNER/NAME, a URL, or a local path
    base_commit: str
    issue: Issue
    tests: tuple[TestFile, ...] = ()  # showing tests that came with the issue, frozen before the first edit


@dataclass(frozen=True, slots=True)
class Answer:
    """What only the scorer may see: it never reaches a prompt, an image or a log that a solver can read."""

    patch: bytes
    test_patch: bytes
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an attempt used. Dollars are None where a price is unknown: never a silent zero."""

    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    dollars: float | None = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a solver delivers: a patch in git's own format (empty if none), and how it ended."""

    patch: bytes
    ended: Ended
    reason: str = ""  # one line a person can act on
    cost: Cost = field(default_factory=Cost)
    tests: tuple[TestFile, ...] = ()  # showing tests that the solver wrote, and that failed on the base
    suspicion: Mapping[tuple[str, int], float] = field(default_factory=dict)  # of lines that failing tests ran, 0 to 1
    others: tuple[bytes, ...] = ()  # patches that the solver's own tests could not tell from this one, best first


def total(costs: Sequence[Cost]) -> Cost:
    """Dollars are unknown as soon as one of them is."""
    dollars = [cost.dollars for cost in costs]
    return Cost(
        sum(cost.calls for cost in costs),
        sum(cost.tokens_in for cost in costs),
        sum(cost.tokens_cached for cost in costs),
        sum(cost.tokens_out for cost in costs),
        None if None in dollars else sum(value for value in dollars if value is not None),
        sum(cost.seconds for cost in costs),
    )
