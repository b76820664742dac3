"""What the bot asks of a forge, and what it writes there. The gate is handed `Reads`: it has nothing to write with."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from agents.run.bot.trigger import IssueText, Said
from sandbox.api import SandboxError

Role = Literal["admin", "write", "less"]
Kind = Literal["person", "app", "other"]


class ForgeRefused(SandboxError, PermissionError):
    """The forge does not let this token do that; the message says what to give it."""


class NotThere(SandboxError, LookupError):
    """The forge has no such thing, or does not show it to this token."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A change request."""

    number: int
    branch: str
    head: str  # commit
    base: str  # branch
    author: str
    by_app: bool  # by the account's type
    same_repository: bool  # False: its branch is in a fork
    is_open: bool
    body: str = ""
    merged: str = ""  # the commit that merged it; empty if none did
    created: str = ""
    closed: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check that failed. All of it is hostile: code of the branch may have written it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an issue may be worked on."""

    text: IssueText
    is_open: bool
    locked: bool


class Reads(Protocol):
    """Raises everywhere: ForgeRefused, NotThere, NetworkUnavailable."""

    def kind(self, login: str) -> Kind:
        """What sort of account this is, as the forge says."""
        ...

    def role(self, login: str) -> Role:
        """What the account may do in the repository."""
        ...

    def default_branch(self) -> str: ...

    def issue(self, number: int) -> Standing: ...

    def comments(self, issue: int) -> Iterable[Said]: ...

    def comments_since(self, moment: str) -> Iterable[Said]:
        """Comments on any issue that were written or edited since."""
        ...

    def pull(self, number: int) -> Pull: ...

    def pull_of(self, branch: str) -> Pull | None:
        """The open change request of a branch of this very repository."""
        ...

    def tip(self, branch: str) -> str | None:
        """The commit that a branch stands at; None if there is no such branch."""
        ...

    def threads(self, pull: int) -> Iterable[Said]:
        """Review comments and their answers."""
        ...

    def failing(self, commit: str) -> Iterable[Check]: ...


class Writes(Protocol):
    """One writer, one write at a time. Raises as `Reads`."""

    def say(self, issue: int, body: str) -> None: ...

    def edit(self, issue: int, comment: int, body: str) -> None: ...

    def open_pull(self, branch: str, base: str, title: str, body: str) -> Pull:
        """As a draft. One that is open already for the branch is returned as it is."""
        ...

    def edit_pull(self, number: int, title: str, body: str) -> None: ...

    def answer(self, pull: Pull, thread: Said, body: str) -> None: ...


class History(Protocol):
    """What became of change requests. Raises as `Reads`."""

    def pulls_by(self, login: str) -> Iterable[Pull]: ...

    def changed_lines(self, old: str, new: str) -> int | None:
        """Lines added and removed between two commits; None where the forge no longer knows one of them."""
        ...

    def reverted(self, commits: frozenset[str], branch: str, since: str) -> frozenset[str]:
        """Those that a later commit on the branch says it reverts."""
        ...


class Forge(Reads, Writes, History, Protocol):
    @property
    def address(self) -> str:
        """Of the repository, for git over https."""
        ...
