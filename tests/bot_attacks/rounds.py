"""Attacks on the rounds: what a comment or a failing check on a pull request of the bot may start."""

from pathlib import Path
from typing import Any

from bot_attacks.row import HIDDEN, Row, Seen
from bot_attacks.starting import EARLY, app_known, start
from bot_site import BOT, OWNER, Site, changed, payload, said_by

from agents.run.bot.freeze import own_words
from agents.run.bot.gate import ROUNDS
from agents.run.bot.ledger import Ledger, marked
from agents.run.bot.trigger import branch_of


def own_pull(site: Site, *, branch: str = branch_of(1), fork: str = "", author: str = BOT, **state: Any) -> None:
    """A pull request and what the bot remembers of it."""
    head = "d" * 40
    site.fake.pull(branch, head, author, fork=fork)
    issue = site.forge.issue(1).text
    values: dict[str, Any] = {"issue": 1, "pull": 100, "head": head, "text": own_words(issue), **state}
    site.fake.comment(1, marked(Ledger(**values), "words"), BOT, EARLY)
    site.fake.thread(100, "please rename it", OWNER, at=EARLY)


def on_pull(login: str = OWNER, body: str = "/retry") -> dict[str, Any]:
    content = said_by(login, body)
    content["issue"] = {**content["issue"], "number": 100, "pull_request": {"url": "x"}}
    return content


def round_(folder: Path, *, content: Any = None, name: str = "issue_comment.created", **state: Any) -> Seen:
    change = state.pop("change", lambda site: None)

    def arrange(site: Site) -> None:
        own_pull(site, **state)
        change(site)

    return start(folder, name, content or on_pull(), arrange=arrange)


def rounding(name: str, tried: str, /, *, writes: int = 0, **more: Any) -> Row:
    return Row(name, tried, lambda folder: round_(folder, **more), round_, writes)


def edited(site: Site) -> None:
    site.fake.issues[1]["body"] = HIDDEN


CHECKS = changed(
    "check_suite.completed",
    check_suite__conclusion="failure",
    check_suite__head_branch=branch_of(1),
    check_suite__pull_requests=[{"number": 100, "head": {"ref": branch_of(1)}}],
)
APP = {**payload("issue_comment.created")["sender"], "login": "evil[bot]", "type": "Bot"}


ROUNDS_ROWS = [
    rounding("fork head", "a comment on a pull request from a fork", fork="evil/Hello-World", writes=1),
    rounding(
        "branch name of ours, other author",
        "someone opens a pull request from solve/issue-1",
        author="writer",
        writes=1,
    ),
    rounding(
        "a branch name with a command (#736)",
        "head is called solve/issue-1;curl evil",
        branch="solve/issue-1;curl$IFS-evil",
        writes=1,
    ),
    rounding(
        "a human's commit",
        "somebody pushed to the bot's branch",
        change=lambda s: s.fake.pulls[100]["head"].update(sha="e" * 40),
        writes=1,
    ),
    rounding("endless rounds", "a fourth round on one pull request", rounds=ROUNDS, writes=1),
    rounding(
        "issue edited since (TOCTOU)", "the reporter edits the issue, then a round starts", change=edited, writes=1
    ),
    rounding(
        "failing checks by an unknown app",
        "a check suite's app was not named",
        name="check_suite.completed",
        content={**CHECKS, "sender": APP},
        change=app_known,
    ),
    rounding(
        "stranger on the bot's pull request", "a stranger says /retry there", content=on_pull("stranger"), writes=1
    ),
]
