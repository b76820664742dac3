"""A GitHub webhook payload → `Trigger` (pure). Fields that are not named here are never looked at."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.run.bot.settings import Job, Settings
from agents.run.bot.trigger import Command, Ignored, IssueText, Said, Trigger, command_of, issue_of
from sandbox.api import BadInput

MOST = 32 << 20  # bytes of a payload; GitHub's own limit is 25 MB


class Account(BaseModel):
    login: str
    type: str = ""


class Label(BaseModel):
    name: str


class Issue(BaseModel):
    number: int
    title: str
    body: str | None = None
    user: Account | None = None
    updated_at: str
    pull_request: dict[str, Any] | None = None


class Comment(BaseModel):
    id: int
    body: str
    user: Account | None = None
    created_at: str
    updated_at: str


class Branch(BaseModel):
    ref: str


class PullRequest(BaseModel):
    number: int
    head: Branch


class Review(BaseModel):
    state: str
    submitted_at: str | None = None
    user: Account | None = None


class Checks(BaseModel):
    """A check suite or a run of a workflow."""

    head_branch: str | None = None
    conclusion: str | None = None
    updated_at: str
    pull_requests: list[PullRequest] = []
    actor: Account | None = None
    triggering_actor: Account | None = None


class Repository(BaseModel):
    full_name: str
    default_branch: str = ""


class Payload(BaseModel):
    action: str = ""
    sender: Account
    repository: Repository
    issue: Issue | None = None
    label: Label | None = None
    assignee: Account | None = None
    comment: Comment | None = None
    pull_request: PullRequest | None = None
    review: Review | None = None
    check_suite: Checks | None = None
    workflow_run: Checks | None = None
    inputs: Mapping[str, Any] | None = None
    ref: str = ""


def read_payload(job: Job) -> Payload:
    """Raises BadInput: the payload is none, or is another repository's."""
    try:
        if job.payload.stat().st_size > MOST:
            raise BadInput(f"{job.payload} has more than {MOST} bytes: it is no payload")
        payload = Payload.model_validate(json.loads(job.payload.read_bytes()))
    except OSError as error:
        raise BadInput(f"the payload {job.payload} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise BadInput(f"the payload {job.payload} is not as GitHub writes it: {error.errors()[0]['loc']}") from error
    except ValueError as error:
        raise BadInput(f"the payload {job.payload} is no JSON: {error}") from error
    if payload.repository.full_name.lower() != job.repository.lower():
        raise BadInput(f"the payload is of {payload.repository.full_name}, and this job of {job.repository}")
    return payload


def github_trigger(job: Job, settings: Settings) -> Trigger | Ignored:
    """What the job's event asks for. Raises BadInput as `read_payload`."""
    payload = read_payload(job)
    reader = READERS.get(job.event)
    if reader is None:
        return Ignored(f"{job.event} starts nothing")
    found = reader(payload, settings)
    if isinstance(found, Ignored):
        return found
    number, on_pull, command, at, more = found
    issue = payload.issue
    text = None if issue is None or on_pull else IssueText(issue.title, issue.body or "", _login(issue.user))
    actors = (payload.sender.login, *job.actors, *more)
    comment = said(payload.comment) if payload.comment else None
    return Trigger(job.repository, number, on_pull, command, tuple(dict.fromkeys(actors)), at, text, comment)


def said(comment: Comment) -> Said:
    is_bot = comment.user is not None and comment.user.type == "Bot"
    return Said(comment.id, _login(comment.user), is_bot, comment.created_at, comment.updated_at, comment.body)


# number, on a pull request, command, moment, further actors
Found = tuple[int, bool, Command, str, tuple[str, ...]] | Ignored


def _issues(payload: Payload, settings: Settings) -> Found:
    issue = payload.issue
    if issue is None or issue.pull_request is not None:
        return Ignored("not an issue")
    if payload.action == "labeled" and payload.label and payload.label.name == settings.label:
        return issue.number, False, "solve", issue.updated_at, ()
    if payload.action == "assigned" and payload.assignee and payload.assignee.login == settings.login:
        return issue.number, False, "solve", issue.updated_at, ()
    return Ignored(f"{payload.action}: neither the label {settings.label} nor an assignment to {settings.login}")


def _issue_comment(payload: Payload, settings: Settings) -> Found:
    if payload.action != "created" or payload.comment is None or payload.issue is None:
        return Ignored(f"a comment was {payload.action}: only a new one counts")
    if payload.comment.updated_at != payload.comment.created_at:
        return Ignored("the comment was edited")
    command = command_of(payload.comment.body)
    if command is None:
        return Ignored("the comment begins with no command")
    on_pull = payload.issue.pull_request is not None
    return payload.issue.number, on_pull, command, payload.comment.created_at, ()


def _review_comment(payload: Payload, settings: Settings) -> Found:
    if payload.action != "created" or payload.comment is None or payload.pull_request is None:
        return Ignored(f"a review comment was {payload.action}: only a new one counts")
    return _round(payload.pull_request, payload.comment.updated_at)


def _review(payload: Payload, settings: Settings) -> Found:
    review, pull = payload.review, payload.pull_request
    if payload.action != "submitted" or review is None or pull is None or review.submitted_at is None:
        return Ignored(f"a review was {payload.action}: only a new one counts")
    if review.state.lower() not in ("changes_requested", "commented"):
        return Ignored(f"a review that says {review.state} asks for nothing")
    return _round(pull, review.submitted_at)


def _checks(checks: Checks | None, action: str) -> Found:
    if checks is None or action != "completed" or checks.conclusion not in ("failure", "timed_out"):
        return Ignored("no check failed")
    pulls = [pull for pull in checks.pull_requests if pull.head.ref == checks.head_branch]
    if len(pulls) != 1:
        return Ignored("the checks belong to no single pull request")
    further = tuple(account.login for account in (checks.actor, checks.triggering_actor) if account)
    found = _round(pulls[0], checks.updated_at)
    return found if isinstance(found, Ignored) else (*found[:4], further)


def _round(pull: PullRequest, at: str) -> Found:
    if issue_of(pull.head.ref) is None:
        return Ignored(f"pull request {pull.number} is none of the bot's")
    return pull.number, True, "round", at, ()


def _dispatch(payload: Payload, settings: Settings) -> Found:
    if payload.ref != f"refs/heads/{payload.repository.default_branch}":
        return Ignored(f"started by hand on {payload.ref}: only the default branch counts")
    given = str((payload.inputs or {}).get("issue", ""))
    if not given.isascii() or not given.isdigit() or not 0 < int(given[:12]) < 10**9:
        raise BadInput("workflow_dispatch needs the number of an issue as its input `issue`")
    return int(given), False, "solve", "", ()


READERS: Mapping[str, Callable[[Payload, Settings], Found]] = {
    "issues": _issues,
    "issue_comment": _issue_comment,
    "pull_request_review_comment": _review_comment,
    "pull_request_review": _review,
    "check_suite": lambda payload, settings: _checks(payload.check_suite, payload.action),
    "workflow_run": lambda payload, settings: _checks(payload.workflow_run, payload.action),
    "workflow_dispatch": _dispatch,
}


def _login(account: Account | None) -> str:
    return account.login if account else "ghost"  # a deleted account
