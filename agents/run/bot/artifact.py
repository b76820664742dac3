"""What a patch may do, as fixed rules (pure): told of the changes as git itself understands them, never of its text.

No rule asks what a path or a content means; none can be talked to. The operator may allow lock files, nothing else.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import takewhile

from sandbox.patch import Change
from sandbox.redact import redact

MOST_PATCH = 1 << 20  # bytes
MOST_FILES = 100
MOST_LINES = 20_000  # of what the patch writes
EXECUTABLE, LINK = 0o100755, 0o120000
# What a forge or CI acts upon, and what gives other programs their orders.
FORGE = re.compile(r"(^|/)(\.git(?!ignore$)[^/]*|codeowners)(/|$)", re.IGNORECASE)
CI = re.compile(
    r"(^|/)(\.circleci|\.buildkite|\.woodpecker|\.azure-pipelines|\.travis\.ya?ml|\.drone\.ya?ml|jenkinsfile|appveyor\.ya?ml"
    r"|azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|\.pre-commit-config\.ya?ml|\.husky)(/|$)",
    re.IGNORECASE,
)
ORDERS = re.compile(
    r"(^|/)(agents\.md|contributing(\.(md|rst|txt))?|claude(\.local)?\.md|gemini\.md|copilot-instructions\.md|\.(claude|cursor|gemini|codex|aider[^/]*)"
    r"|\.cursorrules|\.mcp\.json|\.vscode|\.devcontainer|\.envrc)(/|$)",
    re.IGNORECASE,
)
LOCKS = re.compile(
    r"(^|/)([^/]+\.lock|[^/]*requirements[^/]*\.lock|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.ya?ml|go\.sum|bun\.lockb"
    r"|gradle\.lockfile|packages\.lock\.json|\.terraform\.lock\.hcl)$",
    re.IGNORECASE,
)
# Names that some file system reads as another: `GIT~1` is `.git` on NTFS, and so is `.git` with a trailing dot.
ODD = re.compile(r"[\x00-\x1f\x7f\\]|(^|/)(\.\.?|git~\d|[^/]*[. ])(/|$)|^/|//|^$|(^|/)[A-Za-z]:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Before:
    """The base, as far as the rules ask."""

    modes: Mapping[str, int]  # of all its paths
    contents: Mapping[str, bytes]  # of those that the patch touches


def faults(changes: Sequence[Change], before: Before, *, lock_files: bool, size: int) -> list[str]:
    """Why a patch is not taken; empty if it is. `size`: of the patch in bytes.

    Each line begins with what is wrong, and holds at most one path.
    """
    links = {path for path, mode in before.modes.items() if mode == LINK}
    links |= {change.path for change in changes if change.mode == LINK}
    found = [*_size(changes, before, size)]
    for change in changes:
        reasons = (
            _path(change),
            _guarded(change),
            _mode(change, before),
            _link(change, links),
            _content(change, before),
        )
        found += [f"{reason}: {change.path}" for reason in reasons if reason]
        if LOCKS.search(change.path) and not lock_files:
            found.append(f"a lock file, and the operator did not allow those: {change.path}")
    return found


def _size(changes: Sequence[Change], before: Before, size: int) -> Iterable[str]:
    lines = sum(len(_added(change, before)) for change in changes)
    if not changes:
        yield "nothing is changed"
    if size > MOST_PATCH:
        yield f"{size} bytes, and a patch may have {MOST_PATCH}"
    if len(changes) > MOST_FILES:
        yield f"{len(changes)} files, and a patch may touch {MOST_FILES}"
    if lines > MOST_LINES:
        yield f"{lines} new lines, and a patch may write {MOST_LINES}"


def _path(change: Change) -> str:
    if ODD.search(change.path) or not change.path.isprintable() or len(change.path) > 400:
        return "a path that is not plain"
    return ""


def _guarded(change: Change) -> str:
    if FORGE.search(change.path):
        return "a path that the forge or git acts upon"
    if CI.search(change.path):
        return "a path that CI acts upon"
    return "a file that gives orders to programs like this one" if ORDERS.search(change.path) else ""


def _mode(change: Change, before: Before) -> str:
    if change.mode == EXECUTABLE and before.modes.get(change.path) != EXECUTABLE:
        return "a new executable bit"
    return "" if change.mode in (0, 0o100644, EXECUTABLE, LINK) else "neither a file nor a link"


def _link(change: Change, links: Set[str]) -> str:
    """Where a link leads: as written, for nothing is followed."""
    if change.mode != LINK or change.content is None:
        return ""
    try:
        target = change.content.decode("utf-8")
    except UnicodeDecodeError:
        return "a link that is not plain"
    if target.startswith("/") or "\\" in target or not target.isprintable() or not target:
        return "a link out of the tree"
    end = posixpath.normpath(posixpath.join(posixpath.dirname(change.path), target))
    if end == ".." or end.startswith("../"):
        return "a link out of the tree"
    if FORGE.search(end) or CI.search(end):
        return "a link to what the forge, git or CI acts upon"
    # A link through another link may lead anywhere.
    steps = target.split("/")
    turns = ".." in steps[sum(1 for _ in takewhile(lambda step: step in ("..", "."), steps)) :]
    parts = end.split("/")
    if turns or any("/".join(parts[:depth]) in links for depth in range(1, len(parts) + 1)):
        return "a link through a link"
    return ""


def _content(change: Change, before: Before) -> str:
    if change.content is None or change.mode == LINK:
        return ""
    if b"\0" in change.content:
        return "not text"
    try:
        change.content.decode("utf-8")
    except UnicodeDecodeError:
        return "not text"
    added = b"\n".join(_added(change, before)).decode("utf-8")  # a fixture that was there may stay
    return "what has the shape of a secret" if redact(added) != added else ""


def _added(change: Change, before: Before) -> list[bytes]:
    """The lines of a file that the base's file does not have."""
    known = set(before.contents.get(change.path, b"").split(b"\n"))
    return [line for line in (change.content or b"").split(b"\n") if line not in known]
