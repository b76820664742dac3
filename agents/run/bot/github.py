"""`Forge` on GitHub's REST API."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from agents.run.bot.forge import Check, Kind, NotThere, Pull, Role, Standing
from agents.run.bot.github_event import Account, Comment, said
from agents.run.bot.rest import Rest, Unfit
from agents.run.bot.trigger import IssueText, Said
from sandbox.api import BadInput

LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(\[bot\])?")
REVERTS = re.compile(r"This reverts commit ([0-9a-f]{40})")
FAILED = ("failure", "timed_out", "cancelled", "action_required")


class Permission(BaseModel):
    permission: str
    user: Account | None = None


class Repository(BaseModel):
    full_name: str
    default_branch: str = ""


class Issue(BaseModel):
    number: int
    title: str
    body: str | None = None
    user: Account | None = None
    state: str
    locked: bool = False


class ReviewComment(Comment):
    path: str = ""
    line: int | None = None
    in_reply_to_id: int | None = None


class End(BaseModel):
    ref: str
    sha: str
    repo: Repository | None = None  # None: a fork that is gone


class PullRequest(BaseModel):
    number: int
    state: str
    body: str | None = None
    user: Account | None = None
    head: End
    base: End
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    created_at: str
    closed_at: str | None = None


class Object(BaseModel):
    sha: str


class Ref(BaseModel):
    ref: str
    object: Object


class Output(BaseModel):
    title: str | None = None
    summary: str | None = None
    text: str | None = None


class CheckRun(BaseModel):
    name: str
    conclusion: str | None = None
    output: Output


class CheckRuns(BaseModel):
    check_runs: list[CheckRun]


class File(BaseModel):
    additions: int
    deletions: int


class Comparison(BaseModel):
    files: list[File] = []


class Message(BaseModel):
    message: str


class Commit(BaseModel):
    sha: str
    commit: Message


ANY: TypeAdapter[Any] = TypeAdapter(Any)
COMMENTS = TypeAdapter(list[Comment])
REVIEW_COMMENTS = TypeAdapter(list[ReviewComment])
PULLS = TypeAdapter(list[PullRequest])
PULL = TypeAdapter(PullRequest)


class GitHub:
    """One repository, `OWNER/NAME`."""

    def __init__(self, rest: Rest, repository: str, server: str) -> None:
        self._rest = rest
        self._owner = repository.split("/")[0]
        self._repository = repository
        self._place = f"/repos/{quote(repository)}"
        self.address = f"{server.rstrip('/')}/{quote(repository)}.git"

    # -- Reads

    def kind(self, login: str) -> Kind:
        account = self._rest.get(f"/users/{_login(login)}", TypeAdapter(Account))
        return {"User": "person", "Bot": "app"}.get(account.type, "other")  # type: ignore[return-value]

    def role(self, login: str) -> Role:
        found = self._rest.get(f"{self._place}/collaborators/{_login(login)}/permission", TypeAdapter(Permission))
        if found.user is None or found.user.login.lower() != login.lower():
            return "less"  # the answer is about somebody else
        return found.permission if found.permission in ("admin", "write") else "less"  # type: ignore[return-value]

    def default_branch(self) -> str:
        return self._rest.get(self._place, TypeAdapter(Repository)).default_branch

    def issue(self, number: int) -> Standing:
        found = self._rest.get(f"{self._place}/issues/{number}", TypeAdapter(Issue))
        text = IssueText(found.title, found.body or "", found.user.login if found.user else "ghost")
        return Standing(text, found.state == "open", found.locked)

    def comments(self, issue: int) -> Iterator[Said]:
        return map(said, self._rest.pages(f"{self._place}/issues/{issue}/comments", COMMENTS))

    def comments_since(self, moment: str) -> Iterator[Said]:
        query = {"sort": "updated", "direction": "desc", "since": moment}
        return map(said, self._rest.pages(f"{self._place}/issues/comments", COMMENTS, **query))

    def pull(self, number: int) -> Pull:
        return self._pull(self._rest.get(f"{self._place}/pulls/{number}", PULL))

    def pull_of(self, branch: str) -> Pull | None:
        query = {"head": f"{self._owner}:{branch}", "state": "open"}
        for found in self._rest.pages(f"{self._place}/pulls", PULLS, **query):
            pull = self._pull(found)
            if pull.branch == branch and pull.same_repository:  # a filter that is not known is silently passed over
                return pull
        return None

    def tip(self, branch: str) -> str | None:
        try:
            found = self._rest.get(f"{self._place}/git/ref/heads/{quote(branch)}", TypeAdapter(Ref))
        except NotThere:
            return None
        return found.object.sha if found.ref == f"refs/heads/{branch}" else None

    def threads(self, pull: int) -> Iterator[Said]:
        for item in self._rest.pages(f"{self._place}/pulls/{pull}/comments", REVIEW_COMMENTS):
            plain = said(item)
            place = f"{item.path}:{item.line or ''}"
            yield Said(
                plain.id,
                plain.author,
                plain.is_bot,
                plain.created,
                plain.updated,
                plain.body,
                place,
                item.in_reply_to_id or 0,
            )

    def failing(self, commit: str) -> Iterator[Check]:
        found = self._rest.get(
            f"{self._place}/commits/{quote(commit)}/check-runs", TypeAdapter(CheckRuns), per_page=100, filter="latest"
        )
        for run in found.check_runs:
            if run.conclusion in FAILED:
                parts = (run.output.title, run.output.summary, run.output.text)
                yield Check(run.name, "\n".join(filter(None, parts)))

    # -- Writes

    def say(self, issue: int, body: str) -> None:
        self._rest.write("POST", f"{self._place}/issues/{issue}/comments", ANY, {"body": body})

    def edit(self, issue: int, comment: int, body: str) -> None:
        self._rest.write("PATCH", f"{self._place}/issues/comments/{comment}", ANY, {"body": body})

    def open_pull(self, branch: str, base: str, title: str, body: str) -> Pull:
        content = {"title": title, "head": branch, "base": base, "body": body, "draft": True}
        try:
            return self._pull(self._rest.write("POST", f"{self._place}/pulls", PULL, content))
        except Unfit:
            open_already = self.pull_of(branch)
            if open_already is None:
                raise
            return open_already

    def edit_pull(self, number: int, title: str, body: str) -> None:
        self._rest.write("PATCH", f"{self._place}/pulls/{number}", ANY, {"title": title, "body": body})

    def answer(self, pull: Pull, thread: Said, body: str) -> None:
        # Not .../comments/ID/replies: by GitHub's own description that one is closed to apps.
        path = thread.place.rpartition(":")[0]
        content = {"body": body, "in_reply_to": thread.id, "commit_id": pull.head, "path": path}
        self._rest.write("POST", f"{self._place}/pulls/{pull.number}/comments", ANY, content)

    # -- History

    def pulls_by(self, login: str) -> Iterator[Pull]:
        query = {"state": "all", "sort": "created", "direction": "desc"}
        pulls = map(self._pull, self._rest.pages(f"{self._place}/pulls", PULLS, **query))
        return (pull for pull in pulls if pull.by_app and pull.author == login)

    def changed_lines(self, old: str, new: str) -> int | None:
        try:
            found = self._rest.get(f"{self._place}/compare/{quote(old)}...{quote(new)}", TypeAdapter(Comparison))
        except NotThere:
            return None
        return sum(file.additions + file.deletions for file in found.files)

    def reverted(self, commits: frozenset[str], branch: str, since: str) -> frozenset[str]:
        query = {"sha": branch, "since": since}
        later = self._rest.pages(f"{self._place}/commits", TypeAdapter(list[Commit]), **query)
        return commits & {name for commit in later for name in REVERTS.findall(commit.commit.message)}

    def _pull(self, found: PullRequest) -> Pull:
        home = found.head.repo
        return Pull(
            number=found.number,
            branch=found.head.ref,
            head=found.head.sha,
            base=found.base.ref,
            author=found.user.login if found.user else "ghost",
            by_app=found.user is not None and found.user.type == "Bot",
            same_repository=home is not None and home.full_name.lower() == self._repository.lower(),
            is_open=found.state == "open",
            body=found.body or "",
            merged=(found.merge_commit_sha or "") if found.merged_at else "",
            created=found.created_at,
            closed=found.closed_at or "",
        )


def _login(login: str) -> str:
    """Raises BadInput: no account could be called that."""
    if not LOGIN.fullmatch(login):
        raise BadInput(f"{login!r} is no account")
    return quote(login)
