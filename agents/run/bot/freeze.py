"""The input, frozen: what stood there before the trigger, from people who may be heard; and the key of all of it."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agents.run.bot.trigger import IssueText, Said

MOST_COMMENTS = 50
MOST_VOICES = 20  # accounts that are asked for; who comes later is left out
MOST_TEXT = 20_000  # characters of one comment


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a run is given to read. All of it hostile."""

    issue: IssueText
    comments: tuple[Said, ...]  # oldest first
    left_out: int  # comments that were not used


def freeze(
    issue: IssueText,
    comments: Iterable[Said],
    at: str,
    may_speak: Callable[[str], bool],
    trigger: Said | None = None,
    plans_by: str = "",
) -> Frozen:
    """Comments that were written, and edited last, before the moment `at`: of the issue's author and of those who may
    write. `trigger` is as the payload holds it; `plans_by` is the account whose plan is part of the input."""
    used: list[Said] = []
    left_out = 0
    voices: dict[str, bool] = {issue.author: True}
    for comment in comments:
        if trigger is not None and comment.id == trigger.id:
            continue  # its body may have been edited since
        if plans_by and comment.author == plans_by and comment.is_bot:
            continue
        if comment.author not in voices and not comment.is_bot and len(voices) < MOST_VOICES:
            voices[comment.author] = may_speak(comment.author)
        early = comment.created < at and comment.updated < at
        if early and not comment.is_bot and voices.get(comment.author) and len(used) < MOST_COMMENTS:
            used.append(comment)
        else:
            left_out += 1
    used.sort(key=lambda comment: (comment.created, comment.id))
    return Frozen(issue, (*used, trigger) if trigger is not None else tuple(used), left_out)


def key(repository: str, issue: int, frozen: Frozen, base: str) -> str:
    """What tells two runs apart: the same key is the same work."""
    words = [repository.lower(), issue, own_words(frozen.issue), [comment.body for comment in frozen.comments], base]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def own_words(issue: IssueText) -> str:
    """The hash of an issue's title and body."""
    return hashlib.sha256(json.dumps([issue.title, issue.body]).encode()).hexdigest()
