"""A patch that the rules let pass → the bot's branch and its one draft pull request."""

import json
from dataclasses import dataclass
from pathlib import Path

from agents.run.bot import page
from agents.run.bot.artifact import MOST_PATCH, faults
from agents.run.bot.desk import Desk
from agents.run.bot.forge import ForgeRefused
from agents.run.bot.gate import Target
from agents.run.bot.handover import PATCH, Result, read_bytes
from agents.run.bot.ledger import Ledger
from agents.run.bot.push import BranchMoved, fetched
from agents.run.bot.trigger import branch_of
from sandbox.api import BadInput, NetworkUnavailable
from sandbox.patch import Change, PatchRejected


class Undeliverable(ValueError):
    """The patch is not delivered; the message says why. `commit`: what was pushed before that, if anything."""

    def __init__(self, reason: str, commit: str = "") -> None:
        super().__init__(reason)
        self.commit = commit


@dataclass(frozen=True)
class Delivered:
    pull: int
    commit: str


def deliver(target: Target, ledger: Ledger, result: Result, artifacts: Path, desk: Desk) -> Delivered:
    """Push, then open or update. Raises Undeliverable."""
    try:
        commit, changes = pushed(target, ledger, artifacts, desk)
    except (BadInput, ForgeRefused, NetworkUnavailable) as error:
        raise Undeliverable(str(error)) from error
    try:
        return Delivered(shown(target, result, changes, commit, desk), commit)
    except (BadInput, ForgeRefused, NetworkUnavailable) as error:
        branch = branch_of(target.issue)
        raise Undeliverable(f"the patch is on the branch {branch}, but no pull request: {error}", commit) from error


def pushed(target: Target, ledger: Ledger, artifacts: Path, desk: Desk) -> tuple[str, tuple[Change, ...]]:
    """The commit on the bot's branch, and what it changes. Raises Undeliverable; and as `Reads` and `Base.push`."""
    try:
        patch = read_bytes(artifacts, PATCH, MOST_PATCH)
    except BadInput as error:
        raise Undeliverable(str(error)) from error
    if not patch:
        raise Undeliverable("the run said that it has a patch, and handed none over")
    branch = branch_of(target.issue)
    with fetched(desk.remote, target.commit) as base:
        try:
            changes = base.changes(patch)
        except PatchRejected as error:
            raise Undeliverable(str(error)) from error
        found = faults(changes, base.before(changes), lock_files=desk.settings.lock_files, size=len(patch))
        if found:
            more = f" (and {len(found) - 5} more)" if len(found) > 5 else ""
            raise Undeliverable("the patch holds what I may not deliver: " + "; ".join(found[:5]) + more)
        expected = left_at(branch, ledger, desk)
        login = desk.settings.login
        try:
            commit = base.push(
                patch, branch, message(target.issue, desk.run), login, f"{login}@users.noreply.github.com", expected
            )
        except BranchMoved as error:
            raise Undeliverable(TAKEN.format(branch)) from error
    return commit, changes


TAKEN = (
    "{} is not where I left it: somebody works there, and I do not push over that. Rename or delete it, then `/retry`"
)


def message(issue: int, run: str) -> str:
    """The commit's: no word of anybody else's, for git hosts and CI act upon some."""
    return f"solve: work on issue {issue}\n\nMade by {run}\n"


def left_at(branch: str, ledger: Ledger, desk: Desk) -> str:
    """Where the branch must stand for a push: nowhere, or at what the bot pushed last."""
    tip = desk.forge.tip(branch)
    if tip is not None and tip != ledger.head:
        raise Undeliverable(TAKEN.format(branch))
    return tip or ""


def shown(target: Target, result: Result, changes: tuple[Change, ...], commit: str, desk: Desk) -> int:
    """The number of the pull request, which is opened or brought up to date."""
    standing = desk.forge.issue(target.issue)
    heading = page.title(target.issue, standing.text.title)
    told = page.Told(result, changes, target.issue, target.commit, mark(result, commit), desk.run, desk.own_token)
    branch = branch_of(target.issue)
    pull = desk.forge.pull_of(branch)
    body = page.round_body(pull.body, told) if pull and target.pull else page.pull_body(told)
    if pull is None:
        pull = desk.forge.open_pull(branch, desk.forge.default_branch(), heading, body)
    if pull.body != body:
        desk.forge.edit_pull(pull.number, heading, body)
    return pull.number


def mark(result: Result, commit: str) -> str:
    """For `solve bot outcomes`: what the pull request was when the bot left it."""
    kept = {"key": result.key, "commit": commit, "verdict": result.verdict if result.verdict.isalpha() else ""}
    return f"<!-- solve:{json.dumps(kept, separators=(',', ':'))} -->"
