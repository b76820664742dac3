"""Who may, what for, and whether there is anything left to do. Asks the forge, writes nothing, believes no text.

Two halves: `authorise` says who may and is asked again by the job that writes, `admit` counts, freezes and compares,
before anything is spent.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from agents.run.bot.clean import visible, wrapped
from agents.run.bot.forge import ForgeRefused, NotThere, Pull, Reads
from agents.run.bot.freeze import MOST_TEXT, Frozen, freeze, key, own_words
from agents.run.bot.handover import Request, Voice
from agents.run.bot.ledger import Ledger, Sticky, midnight, moment, spent, stickies
from agents.run.bot.settings import Settings
from agents.run.bot.trigger import IssueText, Said, Trigger, issue_of
from sandbox.api import BadInput, NetworkUnavailable

ROUNDS = 3  # on one pull request
MOST_TITLE = 300  # characters


@dataclass(frozen=True, slots=True)
class Target:
    """What an authorised event is about."""

    trigger: Trigger
    issue: int
    pull: Pull | None  # the bot's own, if the event came from there
    commit: str  # what the work starts from


@dataclass(frozen=True, slots=True)
class Refused:
    """A reason in our own words. `told`: it is put where a person sees it."""

    reason: str
    told: bool = True


def authorise(trigger: Trigger, forge: Reads, settings: Settings, commit: str) -> Target | Refused:
    """Whether everyone behind the event may do this, and what it is about. Any error means no."""
    try:
        for login in trigger.actors:
            if refusal := may_not(login, forge, settings):
                # A review is nobody's request to the bot: it is not answered with a refusal.
                return replace(refusal, told=refusal.told and trigger.command != "round")
        if not trigger.actors:
            return Refused("nobody stands behind this event", told=False)
        return aim(trigger, forge, settings, commit)
    except (ForgeRefused, NotThere, NetworkUnavailable, BadInput) as error:
        return Refused(f"it could not be asked who may do this: {error}", told=False)


def may_not(login: str, forge: Reads, settings: Settings) -> Refused | None:
    """None: may. The account's type is asked, never read off its name; an app's permission counts for nothing."""
    kind = forge.kind(login)
    if kind == "app" and login in settings.apps:
        return None
    if kind != "person":
        return Refused(f"{login} is an app that the operator did not name", told=False)
    if forge.role(login) in ("admin", "write"):
        return None
    return Refused(f"{login} may not write to this repository, and so may not start this")


def aim(trigger: Trigger, forge: Reads, settings: Settings, commit: str) -> Target | Refused:
    """The issue that the event is about. On a pull request, only the bot's own is worked on."""
    if not trigger.on_pull:
        return Target(trigger, trigger.number, None, commit)
    pull = forge.pull(trigger.number)
    issue = issue_of(pull.branch)
    if not pull.same_repository:
        return Refused("this pull request comes from a fork: its code is not run here")
    if issue is None or not pull.by_app or pull.author != settings.login:
        return Refused("this pull request is not one of mine: ask on the issue")
    if not pull.is_open:
        return Refused("this pull request is closed: ask on the issue")
    return Target(trigger, issue, pull, pull.head)


def admit(target: Target, forge: Reads, settings: Settings, now: datetime) -> Request | Refused:
    """Whether it is to be worked on, and with which input. Raises as `Reads`."""
    standing = forge.issue(target.issue)
    if not standing.is_open or standing.locked:
        return Refused(f"issue {target.issue} is {'locked' if standing.locked else 'closed'}")
    comments = list(forge.comments(target.issue))
    known = stickies(comments, settings.login)
    if refusal := over_budget(known, forge, settings, now):
        return refusal
    at = target.trigger.at or moment(now)
    if target.pull is not None:
        return follow_up(target, target.pull, standing.text, known, forge, settings, at)
    text = target.trigger.issue or standing.text
    frozen = freeze(text, comments, at, Speaks(forge), target.trigger.comment, settings.login)
    plan = agreed_plan(frozen, known)
    request = asked(target, frozen, settings, plan)
    if target.trigger.command == "solve" and (pull := done_before(request, known, forge, target.issue)):
        return Refused(f"the same was asked before, of the same commit: see #{pull.number}; `/retry` does it again")
    return request


def over_budget(known: list[Sticky], forge: Reads, settings: Settings, now: datetime) -> Refused | None:
    """What was spent is counted with what a run may spend: a run that is let in can never pass the limit."""
    issue = spent(known)
    if issue + settings.run_dollars > settings.issue_dollars:
        limit = f"${settings.issue_dollars:.2f} for one issue"
        return Refused(f"over budget: ${issue:.2f} were spent, a run may take ${settings.run_dollars:.2f}, of {limit}")
    since = midnight(now)
    today = spent(stickies(forge.comments_since(since), settings.login), since)
    if today + settings.run_dollars > settings.day_dollars:
        limit = f"${settings.day_dollars:.2f} for this repository and day"
        return Refused(f"over budget: ${today:.2f} were spent, a run may take ${settings.run_dollars:.2f}, of {limit}")
    return None


@dataclass(frozen=True, slots=True)
class Speaks:
    """Whose comments a run reads: those who may write. Any error means no."""

    forge: Reads

    def __call__(self, login: str) -> bool:
        try:
            return self.forge.role(login) in ("admin", "write")
        except (ForgeRefused, NotThere, BadInput):
            return False


def follow_up(
    target: Target, pull: Pull, now: IssueText, known: list[Sticky], forge: Reads, settings: Settings, at: str
) -> Request | Refused:
    """A round on the bot's own pull request: review comments without an answer, and checks that fail."""
    ledger = next((each.ledger for each in known if each.ledger.pull == pull.number), None)
    if ledger is None or ledger.head != pull.head:
        return Refused("somebody else pushed to this branch: it is theirs now")
    if ledger.rounds >= ROUNDS:
        return Refused(f"{ROUNDS} rounds were made on this pull request: now it is a person's turn")
    if own_words(now) != ledger.text:
        return Refused("the issue was edited since: ask again there, with `/retry`")
    threads = unanswered(forge.threads(pull.number), at, Speaks(forge), settings.login)
    checks = [f"The check {check.name} fails:\n{check.text[:MOST_TEXT]}" for check in forge.failing(pull.head)]
    said = tuple(Said(0, "checks", False, at, at, text) for text in checks[:5])
    if not threads and not said and target.trigger.comment is None:
        return Refused("there is no comment without an answer, and no check that fails", told=False)
    own = target.trigger.comment
    comment = (own,) if own and own.id not in {thread.id for thread in threads} else ()
    frozen = Frozen(now, (*threads, *said, *comment), 0)
    return asked(target, frozen, settings, None, tuple(thread.id for thread in threads))


def unanswered(comments: Iterable[Said], at: str, may_speak: Speaks, login: str) -> tuple[Said, ...]:
    """The first comments of threads in which the bot has not spoken since, from people who may write."""
    known = list(comments)
    answered = {said.answers for said in known if said.is_bot and said.author == login}
    return tuple(
        said
        for said in known
        if not said.answers
        and said.id not in answered
        and not said.is_bot
        and said.created <= at
        and said.updated <= at
        and may_speak(said.author)
    )[:20]


def agreed_plan(frozen: Frozen, known: list[Sticky]) -> str | None:
    """The plan that the bot posted for these very words; a plan for others is none."""
    words = own_words(frozen.issue)
    return next((each.body for each in known if each.ledger.plan == words), None)


def asked(
    target: Target, frozen: Frozen, settings: Settings, plan: str | None, threads: tuple[int, ...] = ()
) -> Request:
    nonce = secrets.token_hex(8)
    title = " ".join(visible(frozen.issue.title).split())[:MOST_TITLE]
    body = visible(frozen.issue.body)[:MOST_TEXT]
    voices = [Voice(author=said.author, created=said.created, body=_voice(said, nonce)) for said in frozen.comments]
    if plan is not None:
        voices.append(Voice(author=settings.login, created=target.trigger.at, body=wrapped(visible(plan), nonce)))
    return Request(
        repository=target.trigger.repository,
        issue=target.issue,
        command=target.trigger.command,
        base=target.commit,
        key=key(target.trigger.repository, target.issue, frozen, target.commit),
        words=own_words(frozen.issue),
        nonce=nonce,
        text=wrapped(f"{title}\n\n{body}", nonce),
        comments=tuple(voices),
        threads=threads,
        dollars=settings.run_dollars,
    )


def _voice(said: Said, nonce: str) -> str:
    place = f"On {said.place}:\n" if said.place else ""
    return wrapped(place + visible(said.body)[:MOST_TEXT], nonce)


def done_before(request: Request, known: list[Sticky], forge: Reads, issue: int) -> Pull | None:
    """The open pull request that the very same input led to."""
    for each in known:
        if each.ledger.pull and any(run.key == request.key and run.ended == "patched" for run in each.ledger.runs):
            pull = forge.pull(each.ledger.pull)
            if pull.is_open and issue_of(pull.branch) == issue:
                return pull
    return None


def ledger_of(known: list[Sticky], issue: int) -> Ledger:
    """What the bot remembers of an issue: the first of its comments there."""
    return next((each.ledger for each in known if each.ledger.issue == issue), Ledger(issue=issue))
