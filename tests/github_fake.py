"""A stateful GitHub for tests: REST in this process, or (`github_server`) over real HTTP with git to a bare repository.

    fake = FakeGitHub("o/n", remote=bare)
    with serving(fake) as url: ...          # the whole API, checked against GitHub's own description
    GitHub(InProcess(fake), "o/n", "...")   # the same without a socket

Every request must be one that GitHub describes, and every field of a reply too: a request that is not fails the test.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from github_description import check_reply, described
from pydantic import TypeAdapter

from agents.run.bot.rest import refusal

BOT = "github-actions[bot]"
NOW = "2026-01-02T03:04:05Z"


@dataclass
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Any


@dataclass
class FakeGitHub:
    repository: str
    remote: Path | None = None  # a bare repository
    token: str = "ghs_" + "t" * 36
    default_branch: str = "master"
    people: dict[str, str] = field(default_factory=dict)  # login → admin, write, read, none
    apps: set[str] = field(default_factory=lambda: {BOT})
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    threads: list[dict[str, Any]] = field(default_factory=list)
    checks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    commits: list[dict[str, Any]] = field(default_factory=list)
    compared: dict[str, list[dict[str, int]]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)  # where there is no remote
    scripted: list[Answer] = field(default_factory=list)  # given first, one a request
    writer: str = BOT
    now: str = NOW
    calls: list[Call] = field(default_factory=list)
    cached: Counter[str] = field(default_factory=Counter)  # paths that were answered with 304
    forbidden: str = ""  # why no pull request may be opened

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.method != "GET"]

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        operation = described(method, path, query, body)
        self.calls.append(Call(method, path, body))
        if self.scripted:
            return self.scripted.pop(0)
        parts = unquote(path).strip("/").split("/")
        answer = self._answer(method, parts, query, body)
        if answer.status < 300:
            check_reply(operation, answer.body)
        return answer

    def _answer(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Answer:
        if parts[0] == "users":
            return self._found(self.account(parts[1]) if self._is_known(parts[1]) else None)
        assert "/".join(parts[1:3]) == self.repository, parts
        rest = parts[3:]
        match (method, rest):
            case ("GET", []):
                return Answer(200, {"full_name": self.repository, "default_branch": self.default_branch})
            case ("GET", ["collaborators", login, "permission"]):
                return self._permission(login)
            case ("GET", ["git", "ref", "heads", *branch]):
                name = "/".join(branch)
                commit = self.tip(name)
                return self._found(commit and {"ref": f"refs/heads/{name}", "object": {"sha": commit}})
            case ("GET", ["commits"]):
                return self._page(self.commits, query)
            case ("GET", ["commits", commit, "check-runs"]):
                runs = self.checks.get(commit, [])
                return Answer(200, {"total_count": len(runs), "check_runs": runs})
            case ("GET", ["compare", span]):
                files = self.compared.get(span)
                return self._found(None if files is None else {"files": files})
            case (_, ["issues", *more]):
                return self._issues(method, more, query, body)
            case (_, ["pulls", *more]):
                return self._pulls(method, more, query, body)
        raise AssertionError(f"the fake does not know {method} {parts}")

    def _issues(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Answer:
        match (method, parts):
            case ("GET", ["comments"]):
                since = query.get("since", "")
                rows = [row for row in self.comments if row["updated_at"] >= since]
                return self._page(sorted(rows, key=lambda row: row["updated_at"], reverse=True), query)
            case ("PATCH", ["comments", number]):
                row = next((row for row in self.comments if row["id"] == int(number)), None)
                if row is None:
                    return self._found(None)
                row |= {"body": body["body"], "updated_at": self.now}
                return Answer(200, shown(row))
            case ("GET", [number]):
                return self._found(self.issues.get(int(number)))
            case ("GET", [number, "comments"]):
                return self._page([row for row in self.comments if row["on"] == int(number)], query)
            case ("POST", [number, "comments"]):
                if int(number) not in self.issues and int(number) not in self.pulls:
                    return self._found(None)
                return Answer(201, shown(self.comment(int(number), body["body"], self.writer)))
        raise AssertionError(f"the fake does not know {method} issues/{parts}")

    def _pulls(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Answer:
        match (method, parts):
            case ("GET", []):
                owner, _, branch = query.get("head", "").rpartition(":")
                wanted = {"open": ("open",), "all": ("open", "closed")}[query.get("state", "open")]
                rows = [row for row in self.pulls.values() if row["state"] in wanted]
                if owner:
                    rows = [row for row in rows if row["head"]["ref"] == branch]
                return self._page(rows[::-1], query)
            case ("POST", []):
                return self._open(body)
            case ("GET", [number]):
                return self._found(self.pulls.get(int(number)))
            case ("PATCH", [number]):
                self.pulls[int(number)] |= body
                return Answer(200, self.pulls[int(number)])
            case ("GET", [number, "comments"]):
                return self._page([row for row in self.threads if row["on"] == int(number)], query)
            case ("POST", [number, "comments"]):
                row = self.thread(int(number), body["body"], self.writer, body["in_reply_to"])
                return Answer(201, shown(row))
        raise AssertionError(f"the fake does not know {method} pulls/{parts}")

    def _open(self, body: Any) -> Answer:
        if self.forbidden:
            return Answer(403, {"message": self.forbidden})
        if any(row["state"] == "open" and row["head"]["ref"] == body["head"] for row in self.pulls.values()):
            said = f"A pull request already exists for {self.repository.split('/')[0]}:{body['head']}."
            return Answer(422, {"message": "Validation Failed", "errors": [{"message": said}]})
        commit = self.tip(body["head"])
        if commit is None:
            return Answer(422, {"message": "Validation Failed", "errors": [{"message": "head is invalid"}]})
        row = self.pull(body["head"], commit, self.writer, body["body"], body["base"])
        row |= {"title": body["title"], "draft": body["draft"]}
        return Answer(201, row)

    # -- what stands there

    def account(self, login: str) -> dict[str, Any]:
        return {"login": login, "type": "Bot" if login in self.apps else "User", "id": len(login)}

    def issue(self, number: int, title: str = "It fails", body: str = "", author: str = "reporter") -> dict[str, Any]:
        row = {
            "number": number, "title": title, "body": body, "user": self.account(author), "state": "open",
            "locked": False, "updated_at": self.now,
        }  # fmt: skip
        self.issues[number] = row
        return row

    def comment(self, on: int, body: str, author: str, at: str = "") -> dict[str, Any]:
        at = at or self.now
        row = {
            "id": 1000 + len(self.comments), "body": body, "user": self.account(author), "created_at": at,
            "updated_at": at, "on": on,
        }  # fmt: skip
        self.comments.append(row)
        return row

    def thread(self, on: int, body: str, author: str, answers: int = 0, at: str = "") -> dict[str, Any]:
        at = at or self.now
        row = {
            "id": 5000 + len(self.threads), "body": body, "user": self.account(author), "created_at": at,
            "updated_at": at, "path": "shop/price.py", "line": 3, "on": on,
        }  # fmt: skip
        self.threads.append(row | ({"in_reply_to_id": answers} if answers else {}))
        return self.threads[-1]

    def pull(
        self, branch: str, commit: str, author: str, body: str = "", base: str = "master", fork: str = ""
    ) -> dict[str, Any]:
        home = {"full_name": fork or self.repository}
        row = {
            "number": 100 + len(self.pulls), "state": "open", "title": "", "body": body, "user": self.account(author),
            "head": {"ref": branch, "sha": commit, "repo": home},
            "base": {"ref": base, "sha": "0" * 40, "repo": {"full_name": self.repository}},
            "merged_at": None, "merge_commit_sha": None, "created_at": self.now, "closed_at": None, "draft": False,
        }  # fmt: skip
        self.pulls[row["number"]] = row
        return row

    def tip(self, branch: str) -> str | None:
        if self.remote is None:
            return self.refs.get(branch)
        command = ["git", "--git-dir", str(self.remote), "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"]
        commit = subprocess.run(command, capture_output=True, text=True).stdout.strip()
        for row in self.pulls.values():  # a pull request follows its branch
            if row["state"] == "open" and row["head"]["ref"] == branch and commit:
                row["head"]["sha"] = commit
        return commit or None

    def _is_known(self, login: str) -> bool:
        return login in self.people or login in self.apps

    def _permission(self, login: str) -> Answer:
        if login not in self.people:
            return Answer(404, {"message": "Not Found"})
        role = {"maintain": "write", "triage": "read"}.get(self.people[login], self.people[login])
        return Answer(200, {"permission": role, "role_name": self.people[login], "user": self.account(login)})

    @staticmethod
    def _found(body: Any) -> Answer:
        return Answer(200, shown(body)) if body else Answer(404, {"message": "Not Found"})

    @staticmethod
    def _page(rows: list[dict[str, Any]], query: Mapping[str, str]) -> Answer:
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        return Answer(200, [shown(row) for row in rows[(page - 1) * size : page * size]])


def shown(row: Any) -> Any:
    return {name: value for name, value in row.items() if name != "on"}


class InProcess:
    """What `Rest` does, without HTTP: for tests of what is asked, not of how it travels."""

    def __init__(self, fake: FakeGitHub) -> None:
        self._fake = fake

    def get(self, place: str, kind: TypeAdapter[Any], **query: str | int) -> Any:
        return self._send("GET", place, kind, {name: str(value) for name, value in query.items()}, None)

    def pages(self, place: str, kind: TypeAdapter[Any], **query: str | int) -> Iterator[Any]:
        page = 1
        while rows := self.get(place, kind, per_page=100, page=page, **query):
            yield from rows
            page += 1

    def write(self, method: str, place: str, kind: TypeAdapter[Any], body: Mapping[str, Any]) -> Any:
        return self._send(method, place, kind, {}, dict(body))

    def _send(self, method: str, place: str, kind: TypeAdapter[Any], query: dict[str, str], body: Any) -> Any:
        answer = self._fake.handle(method, place, query, body)
        if answer.status >= 400:
            raise refusal(method, place, answer.status, answer.body.get("message", ""))
        return kind.validate_json(json.dumps(answer.body))
