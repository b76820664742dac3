"""What an event asks for (pure): a `Trigger`, or `Ignored` with the reason. The same for every forge."""

import re
from dataclasses import dataclass
from typing import Literal

Command = Literal["solve", "plan", "retry", "stop", "explain", "round"]  # round: a review or a failing check came in
COMMAND = re.compile(r"/(solve|plan|retry|stop|explain)(?=\s|\Z)")
BRANCH = re.compile(r"solve/issue-([1-9]\d{0,9})")


@dataclass(frozen=True, slots=True)
class Said:
    """A comment as the forge holds it. `body` is hostile."""

    id: int
    author: str
    is_bot: bool  # by the account's type, never by its name
    created: str  # ISO 8601, UTC
    updated: str  # equal to `created` if it was never edited
    body: str
    place: str = ""  # path and line, of a review comment
    answers: int = 0  # the comment that it replies to


@dataclass(frozen=True, slots=True)
class IssueText:
    """An issue's own words, at one moment. Hostile."""

    title: str
    body: str
    author: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event that may start work. Nothing in it was decided by what a text says, but for the command's first word."""

    repository: str  # OWNER/NAME
    number: int  # of the issue, or of the change request if `on_pull`
    on_pull: bool
    command: Command
    actors: tuple[str, ...]  # everyone who had a hand in it: all of them must be allowed
    at: str  # the moment it happened, ISO 8601, UTC; empty where the payload does not say
    issue: IssueText | None  # as the payload holds it; None where it holds none
    comment: Said | None = None  # the one that triggered


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that is not for the bot. Nobody is told."""

    reason: str


def command_of(body: str) -> Command | None:
    """The command that a comment begins with. One that is quoted, or comes later, is none."""
    found = COMMAND.match(body)
    return found[1] if found else None  # type: ignore[return-value]


def branch_of(issue: int) -> str:
    """The one branch on which the bot works for an issue."""
    return f"solve/issue-{issue}"


def issue_of(branch: str) -> int | None:
    """The issue that a branch of the bot's is for; None for any other branch."""
    found = BRANCH.fullmatch(branch)
    return int(found[1]) if found else None
