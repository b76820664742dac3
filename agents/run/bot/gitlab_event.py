"""A GitLab webhook payload → `Trigger` (pure): comments on issues and labels put on them.

GitLab CI does not start on an issue by itself: a webhook calls the pipeline trigger, and the payload comes along as
the file `TRIGGER_PAYLOAD` (docs/bot.md).
"""

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.run.bot.github_event import MOST
from agents.run.bot.ledger import moment
from agents.run.bot.settings import Job, Settings
from agents.run.bot.trigger import Ignored, IssueText, Said, Trigger, command_of, issue_of
from sandbox.api import BadInput


class User(BaseModel):
    username: str


class Project(BaseModel):
    path_with_namespace: str


class Label(BaseModel):
    title: str


class Attributes(BaseModel):
    """Of an issue, or of a note."""

    id: int
    iid: int = 0
    action: str = ""
    title: str = ""
    description: str | None = None
    note: str = ""
    noteable_type: str = ""
    system: bool = False
    created_at: str
    updated_at: str


class Issue(BaseModel):
    iid: int
    title: str
    description: str | None = None


class MergeRequest(BaseModel):
    iid: int
    source_branch: str


class Change(BaseModel):
    previous: list[Label] = []
    current: list[Label] = []


class Changes(BaseModel):
    labels: Change = Change()


class Payload(BaseModel):
    object_kind: str
    user: User
    project: Project
    object_attributes: Attributes
    issue: Issue | None = None
    merge_request: MergeRequest | None = None
    changes: Changes = Changes()


def gitlab_trigger(job: Job, settings: Settings) -> Trigger | Ignored:
    """Raises BadInput: the payload is none, or is another project's."""
    try:
        with job.payload.open("rb") as file:
            raw: Any = json.loads(file.read(MOST))
        if raw.get("object_kind") not in ("issue", "note"):
            return Ignored(f"{raw.get('object_kind')} starts nothing")
        payload = Payload.model_validate(raw)
    except OSError as error:
        raise BadInput(f"the payload {job.payload} cannot be read: {error.strerror}") from error
    except (ValueError, AttributeError) as error:
        where = error.errors()[0]["loc"] if isinstance(error, ValidationError) else error
        raise BadInput(f"the payload {job.payload} is not as GitLab writes it: {where}") from error
    if payload.project.path_with_namespace.lower() != job.repository.lower():
        raise BadInput(f"the payload is of {payload.project.path_with_namespace}, and this job of {job.repository}")
    return _note(payload, job) if payload.object_kind == "note" else _issue(payload, job, settings)


def _issue(payload: Payload, job: Job, settings: Settings) -> Trigger | Ignored:
    new = {label.title for label in payload.changes.labels.current} - {
        label.title for label in payload.changes.labels.previous
    }
    item = payload.object_attributes
    if settings.label not in new:
        return Ignored(f"the label {settings.label} was not put on")
    # GitLab's payload does not name the author: only people who may write are heard then.
    text = IssueText(item.title, item.description or "", "")
    return Trigger(job.repository, item.iid, False, "solve", _actors(payload, job), utc(item.updated_at), text)


def _note(payload: Payload, job: Job) -> Trigger | Ignored:
    note = payload.object_attributes
    command = command_of(note.note)
    if note.system or note.action not in ("", "create") or note.created_at != note.updated_at or command is None:
        return Ignored("the note is not new, or begins with no command")
    at = utc(note.created_at)
    said = Said(note.id, payload.user.username, False, at, at, note.note)
    if payload.issue is not None:
        text = IssueText(payload.issue.title, payload.issue.description or "", "")
        return Trigger(job.repository, payload.issue.iid, False, command, _actors(payload, job), at, text, said)
    if payload.merge_request is not None and issue_of(payload.merge_request.source_branch) is not None:
        return Trigger(job.repository, payload.merge_request.iid, True, command, _actors(payload, job), at, None, said)
    return Ignored("the note is on nothing of the bot's")


def _actors(payload: Payload, job: Job) -> tuple[str, ...]:
    return tuple(dict.fromkeys((payload.user.username, *job.actors)))


def utc(told: str) -> str:
    """A moment as everywhere here: ISO 8601, UTC, whole seconds. Webhooks write `2015-05-17 18:08:09 UTC`."""
    when = datetime.fromisoformat(told.replace(" UTC", "+00:00"))
    return moment(when if when.tzinfo else when.replace(tzinfo=UTC))
