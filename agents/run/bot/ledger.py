"""What the bot remembers, and where: in its own sticky comments, as JSON within an HTML comment. It has no database.

Only comments of the bot's own account count. People with write access could edit one; others cannot, and a text that
somebody else posts with such a mark is a text. A second comment of the bot's can only add to what was spent.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.run.bot.trigger import Said

MARK = re.compile(r"\A<!-- solve:(\{[^<>]*\}) -->\n")
HASH, COMMIT = r"^[0-9a-f]{64}$", r"^([0-9a-f]{40}|[0-9a-f]{64})?$"
MOST_RUNS = 200  # kept in one comment; the oldest are summed up in its first


class Run(BaseModel):
    """One run, as it counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    key: str = Field(default="", pattern=r"^[0-9a-f]{0,64}$")
    command: str = Field(pattern=r"^[a-z]{1,10}$")
    ended: str = Field(pattern=r"^[a-z_]{1,20}$")
    dollars: float = Field(ge=0, le=1e6)
    tokens: int = Field(default=0, ge=0)


class Ledger(BaseModel):
    """The state of one issue."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1] = 1
    issue: int = Field(gt=0)
    runs: tuple[Run, ...] = Field(default=(), max_length=MOST_RUNS)
    pull: int = Field(default=0, ge=0)
    head: str = Field(default="", pattern=COMMIT)  # the commit that the bot pushed last
    text: str = Field(default="", pattern=r"^[0-9a-f]{0,64}$")  # hash of the issue's own words, as they were used
    rounds: int = Field(default=0, ge=0)
    plan: str = Field(default="", pattern=r"^[0-9a-f]{0,64}$")  # hash of the words that a plan was made of

    def with_run(self, run: Run) -> "Ledger":
        runs = (*self.runs, run)
        if len(runs) > MOST_RUNS:
            first, second = runs[:2]
            whole = second.model_copy(update={"dollars": first.dollars + second.dollars})
            runs = (whole, *runs[2:])
        return self.model_copy(update={"runs": runs})


@dataclass(frozen=True, slots=True)
class Sticky:
    """The bot's comment on an issue."""

    comment: int
    body: str  # without the mark
    ledger: Ledger


def sticky(comment: Said, login: str) -> Sticky | None:
    """What a comment remembers; None for any that is not the bot's own sticky comment."""
    if comment.author != login or not comment.is_bot:
        return None
    found = MARK.match(comment.body)
    if found is None:
        return None
    try:
        ledger = Ledger.model_validate_json(found[1])
    except ValidationError:
        return None  # of another version, or edited by hand: counts as none, and is not written over
    return Sticky(comment.id, comment.body[found.end() :], ledger)


def marked(ledger: Ledger, body: str) -> str:
    """The comment as it is posted."""
    packed = json.dumps(ledger.model_dump(mode="json", exclude_defaults=True) | {"version": 1}, separators=(",", ":"))
    return f"<!-- solve:{packed} -->\n{body}"


def stickies(comments: Iterable[Said], login: str) -> list[Sticky]:
    return [found for comment in comments if (found := sticky(comment, login))]


def spent_by(ledger: Ledger) -> float:
    """Dollars of all runs of one issue."""
    return sum(run.dollars for run in ledger.runs)


def spent(found: Iterable[Sticky], since: str = "") -> float:
    """Dollars of all runs that ended at or after `since` (ISO 8601, UTC)."""
    return sum(run.dollars for each in found for run in each.ledger.runs if run.at >= since)


def moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def midnight(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT00:00:00Z")
