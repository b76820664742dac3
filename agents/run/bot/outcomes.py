"""What became of the bot's pull requests: labels for evaluation, one JSON line each."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from agents.run.bot.forge import History, Pull
from agents.run.bot.trigger import issue_of

MARK = re.compile(r"\A<!-- solve:(\{[^<>]*\}) -->")

Fate = Literal["open", "merged_as_is", "merged_after_edits", "merged", "closed", "reverted"]


class Left(BaseModel):
    """What a pull request was when the bot left it, from its mark."""

    key: str | None = None
    commit: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    repository: str
    issue: int
    pull: int
    fate: Fate
    edited_lines: int | None  # added and removed by people after the bot's last commit; None: not known
    verdict: str
    key: str
    created: str
    closed: str


def outcomes(forge: History, repository: str, login: str, branch: str) -> Iterator[Outcome]:
    """Newest first. Raises as `Reads`."""
    pulls = [pull for pull in forge.pulls_by(login) if pull.same_repository and issue_of(pull.branch) is not None]
    merged = frozenset(pull.merged for pull in pulls if pull.merged)
    since = min((pull.created for pull in pulls), default="")
    reverted = forge.reverted(merged, branch, since) if merged else frozenset()
    for pull in pulls:
        left = left_by(pull)
        edited = 0 if left.commit == pull.head else forge.changed_lines(left.commit, pull.head) if left.commit else None
        yield Outcome(
            repository=repository,
            issue=issue_of(pull.branch) or 0,
            pull=pull.number,
            fate=fate(pull, edited, reverted),
            edited_lines=edited,
            verdict=left.verdict,
            key=left.key or "",
            created=pull.created,
            closed=pull.closed,
        )


def fate(pull: Pull, edited: int | None, reverted: frozenset[str]) -> Fate:
    if pull.merged in reverted:
        return "reverted"
    if pull.merged:
        if edited is None:
            return "merged"  # and nobody knows whether as it was
        return "merged_after_edits" if edited else "merged_as_is"
    return "open" if pull.is_open else "closed"


def left_by(pull: Pull) -> Left:
    found = MARK.match(pull.body)
    try:
        return Left.model_validate_json(found[1]) if found else Left()
    except ValidationError:
        return Left()  # edited by hand


def write(rows: Iterator[Outcome], path: Path) -> int:
    """How many there are. The file is made anew: the forge remembers, so nothing need be kept between runs."""
    lines = [json.dumps(asdict(row)) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)
