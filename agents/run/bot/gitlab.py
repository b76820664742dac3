"""`Forge` on GitLab's REST API: the same core, with merge requests for pull requests and notes for comments."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from agents.run.bot.forge import Check, Kind, NotThere, Pull, Role, Standing
from agents.run.bot.gitlab_rest import GitLabRest
from agents.run.bot.trigger import IssueText, Said
from sandbox.api import BadInput

DEVELOPER, MAINTAINER = 30, 40  # access levels from which on one may write, and administer
REVERTS = re.compile(r"This reverts commit ([0-9a-f]{40})")
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class User(BaseModel):
    id: int
    username: str
    bot: bool | None = None


class Author(BaseModel):
    username: str


class Member(BaseModel):
    access_level: int
    username: str


class Project(BaseModel):
    id: int
    default_branch: str


class Issue(BaseModel):
    iid: int
    title: str
    description: str | None = None
    author: Author
    state: str
    discussion_locked: bool | None = None


class Position(BaseModel):
    new_path: str | None = None
    new_line: int | None = None


class Note(BaseModel):
    id: int
    body: str
    author: Author
    created_at: str
    updated_at: str
    system: bool = False
    position: Position | None = None


class Discussion(BaseModel):
    id: str
    notes: list[Note]


class MergeRequest(BaseModel):
    iid: int
    source_branch: str
    target_branch: str
    sha: str
    state: str
    author: Author
    source_project_id: int
    target_project_id: int
    description: str | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    created_at: str
    closed_at: str | None = None
    merged_at: str | None = None


class Branch(BaseModel):
    name: str
    commit: dict[str, Any]


class Status(BaseModel):
    name: str
    status: str
    description: str | None = None


class Diff(BaseModel):
    diff: str


class Comparison(BaseModel):
    diffs: list[Diff]


class Commit(BaseModel):
    message: str


ANY: TypeAdapter[Any] = TypeAdapter(Any)
NOTES = TypeAdapter(list[Note])
REQUESTS = TypeAdapter(list[MergeRequest])
REQUEST = TypeAdapter(MergeRequest)


class GitLab:
    """One project, `GROUP/.../NAME`."""

    def __init__(self, rest: GitLabRest, project: str, server: str) -> None:
        self._rest = rest
        self._place = f"/projects/{quote(project, safe='')}"
        self.address = f"{server.rstrip('/')}/{quote(project)}.git"
        self._kind_of = lru_cache(maxsize=256)(self._ask_kind)

    # -- Reads

    def kind(self, login: str) -> Kind:
        return self._kind_of(login)

    def role(self, login: str) -> Role:
        try:
            found = self._rest.get(f"{self._place}/members/all/{self._user(login).id}", TypeAdapter(Member))
        except NotThere:
            return "less"
        if found.username.lower() != login.lower() or found.access_level < DEVELOPER:
            return "less"
        return "admin" if found.access_level >= MAINTAINER else "write"

    def default_branch(self) -> str:
        return self._rest.get(self._place, TypeAdapter(Project)).default_branch

    def issue(self, number: int) -> Standing:
        found = self._rest.get(f"{self._place}/issues/{number}", TypeAdapter(Issue))
        text = IssueText(found.title, found.description or "", found.author.username)
        return Standing(text, found.state == "opened", bool(found.discussion_locked))

    def comments(self, issue: int) -> Iterator[Said]:
        notes = self._rest.pages(f"{self._place}/issues/{issue}/notes", NOTES, sort="asc")
        return (self._said(note) for note in notes if not note.system)

    def comments_since(self, moment: str) -> Iterator[Said]:
        """GitLab lists no notes of a whole project: the issues that changed since are asked one by one."""
        query = {"updated_after": moment, "scope": "all"}
        for issue in self._rest.pages(f"{self._place}/issues", TypeAdapter(list[Issue]), **query):
            yield from (said for said in self.comments(issue.iid) if said.updated >= moment)

    def pull(self, number: int) -> Pull:
        return self._pull(self._rest.get(f"{self._place}/merge_requests/{number}", REQUEST))

    def pull_of(self, branch: str) -> Pull | None:
        query = {"source_branch": branch, "state": "opened"}
        found = map(self._pull, self._rest.pages(f"{self._place}/merge_requests", REQUESTS, **query))
        return next((pull for pull in found if pull.branch == branch and pull.same_repository), None)

    def tip(self, branch: str) -> str | None:
        try:
            found = self._rest.get(f"{self._place}/repository/branches/{quote(branch, safe='')}", TypeAdapter(Branch))
        except NotThere:
            return None
        return str(found.commit["id"]) if found.name == branch else None

    def threads(self, pull: int) -> Iterator[Said]:
        for discussion in self._discussions(pull):
            notes = [note for note in discussion.notes if not note.system]
            for note in notes:
                yield self._said(note, answers=0 if note is notes[0] else notes[0].id)

    def failing(self, commit: str) -> Iterator[Check]:
        place = f"{self._place}/repository/commits/{quote(commit)}/statuses"
        for status in self._rest.pages(place, TypeAdapter(list[Status])):
            if status.status == "failed":
                yield Check(status.name, status.description or "")

    # -- Writes

    def say(self, issue: int, body: str) -> None:
        self._rest.write("POST", f"{self._place}/issues/{issue}/notes", ANY, {"body": body})

    def edit(self, issue: int, comment: int, body: str) -> None:
        self._rest.write("PUT", f"{self._place}/issues/{issue}/notes/{comment}", ANY, {"body": body})

    def open_pull(self, branch: str, base: str, title: str, body: str) -> Pull:
        open_already = self.pull_of(branch)
        if open_already is not None:
            return open_already
        content = {"source_branch": branch, "target_branch": base, "title": f"Draft: {title}", "description": body}
        return self._pull(self._rest.write("POST", f"{self._place}/merge_requests", REQUEST, content))

    def edit_pull(self, number: int, title: str, body: str) -> None:
        content = {"title": f"Draft: {title}", "description": body}
        self._rest.write("PUT", f"{self._place}/merge_requests/{number}", ANY, content)

    def answer(self, pull: Pull, thread: Said, body: str) -> None:
        for discussion in self._discussions(pull.number):
            if discussion.notes[0].id == thread.id:
                place = f"{self._place}/merge_requests/{pull.number}/discussions/{quote(discussion.id)}/notes"
                self._rest.write("POST", place, ANY, {"body": body})

    # -- History

    def pulls_by(self, login: str) -> Iterator[Pull]:
        query = {"author_username": login, "state": "all", "scope": "all"}
        found = map(self._pull, self._rest.pages(f"{self._place}/merge_requests", REQUESTS, **query))
        return (pull for pull in found if pull.author == login)

    def changed_lines(self, old: str, new: str) -> int | None:
        query = {"from": old, "to": new}
        try:
            found = self._rest.get(f"{self._place}/repository/compare", TypeAdapter(Comparison), **query)
        except NotThere:
            return None
        return sum(bool(re.match(r"[+-]", line)) for item in found.diffs for line in item.diff.splitlines())

    def reverted(self, commits: frozenset[str], branch: str, since: str) -> frozenset[str]:
        query = {"ref_name": branch, "since": since}
        later = self._rest.pages(f"{self._place}/repository/commits", TypeAdapter(list[Commit]), **query)
        return commits & {name for commit in later for name in REVERTS.findall(commit.message)}

    def _ask_kind(self, login: str) -> Kind:
        found = self._rest.get(f"/users/{self._user(login).id}", TypeAdapter(User))
        return "app" if found.bot else "person" if found.bot is False else "other"

    def _user(self, login: str) -> User:
        """Raises BadInput: no account could be called that. NotThere: none is."""
        if not LOGIN.fullmatch(login):
            raise BadInput(f"{login!r} is no account")
        for user in self._rest.get("/users", TypeAdapter(list[User]), username=login):
            if user.username.lower() == login.lower():
                return user
        raise NotThere(f"there is no account {login}")

    def _discussions(self, pull: int) -> Iterator[Discussion]:
        place = f"{self._place}/merge_requests/{pull}/discussions"
        return (found for found in self._rest.pages(place, TypeAdapter(list[Discussion])) if found.notes)

    def _said(self, note: Note, answers: int = 0) -> Said:
        place = f"{note.position.new_path}:{note.position.new_line or ''}" if note.position else ""
        is_bot = self.kind(note.author.username) == "app"
        return Said(note.id, note.author.username, is_bot, note.created_at, note.updated_at, note.body, place, answers)

    def _pull(self, found: MergeRequest) -> Pull:
        return Pull(
            number=found.iid,
            branch=found.source_branch,
            head=found.sha,
            base=found.target_branch,
            author=found.author.username,
            by_app=self.kind(found.author.username) == "app",
            same_repository=found.source_project_id == found.target_project_id,
            is_open=found.state == "opened",
            body=found.description or "",
            merged=(found.squash_commit_sha or found.merge_commit_sha or found.sha) if found.merged_at else "",
            created=found.created_at,
            closed=found.closed_at or found.merged_at or "",
        )
