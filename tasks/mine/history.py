"""A repository's history → candidates: each step of the main line against the one before it, newest first.

A merge is one step: it is what its pull request changed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.git import HostGit
from tasks.mine.candidate import Candidate, refused
from tasks.parts import parts
from tasks.task import Issue

TRAILER = re.compile(r"^(?:[A-Z][a-z]+(?:-[a-z]+)+: .*|\(cherry picked from .*)$", re.MULTILINE)
MERGE = re.compile(r"Merge (?:pull request #\d+ from \S+|branch .*|remote-tracking branch .*)\n*")
REFERENCE = re.compile(r"(?:^|[\s(\[,:/])(?:[\w.-]+/[\w.-]+)?#(\d{1,7})\b")
SHORTEST = 12  # characters of a message that can be an issue


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of the main line."""

    commit: str
    parent: str
    created: str  # ISO 8601
    message: str


def steps(git: HostGit, head: str, since: str, most: int) -> Iterator[Step]:
    """The newest `most` steps before `head`, none older than the day `since` (ISO 8601; empty: any)."""
    form = "--format=%H%x00%P%x00%cI%x00%B%x01"
    log = git("log", "--first-parent", f"--max-count={most}", form, head, "--", timeout=600)
    for record in log.split(b"\x01"):
        fields = record.decode("utf-8", "replace").lstrip("\n").split("\0")
        if len(fields) == 4 and fields[1] and fields[2][:10] >= since:
            yield Step(fields[0], fields[1].split()[0], fields[2], fields[3])


def name_of(repository: str, commit: str) -> str:
    """The row's id: SWE-bench's form, with the commit in the place of the pull request's number."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "__", repository.strip("/").removesuffix(".git"))
    return f"{plain[-80:].lstrip('._-')}-g{commit[:12]}"


def candidate(git: HostGit, repository: str, step: Step) -> Candidate | str:
    """The candidate, or why there is none."""
    found = parts(git, step.parent, step.commit, source_only=False)
    if why := refused(found):
        return why
    issue = told(step)
    if len(issue.text()) < SHORTEST:
        return "says nothing"
    return Candidate(name_of(repository, step.commit), repository, step.parent, found, issue, step.created)


def told(step: Step) -> Issue:
    """The message as an issue, as it is: without what git and a forge wrote around it."""
    text = TRAILER.sub("", MERGE.sub("", step.message.strip(), count=1)).strip()
    title, _, body = text.partition("\n")
    return Issue(title, body, source="commit message")


def references(message: str) -> list[int]:
    """Numbers of issues and pull requests that a message names, those that it closes first."""
    closing = re.findall(r"(?i)\b(?:fix(?:e[sd])?|clos(?:e[sd]?)|resolv(?:e[sd]?)):? #(\d{1,7})\b", message)
    return list(dict.fromkeys(int(number) for number in (*closing, *REFERENCE.findall(message))))
