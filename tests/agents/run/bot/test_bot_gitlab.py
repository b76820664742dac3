"""The same core on GitLab: a small stateful double behind its REST API, without a socket."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from agents.run.bot.app import pass_gate
from agents.run.bot.forge import NotThere
from agents.run.bot.gitlab import GitLab
from agents.run.bot.gitlab_event import gitlab_trigger
from agents.run.bot.gitlab_rest import GitLabRest, connect
from agents.run.bot.handover import REQUEST, Request, read
from agents.run.bot.rest import Clock
from agents.run.bot.settings import Job, Settings, job
from agents.run.bot.trigger import Ignored, Trigger
from sandbox.api import BadInput, NetworkUnavailable

PROJECT, BOT = "group/sub/shop", "project_7_bot_a1"
NOW = datetime(2026, 1, 2, 4, tzinfo=UTC)
EARLY, AT = "2026-01-01T08:00:00.123Z", "2026-01-02 03:04:05 UTC"


@dataclass
class FakeGitLab:
    levels: dict[str, int] = field(default_factory=lambda: {"amy": 40, "dev": 30, "reporter": 20})
    notes: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    sent: list[tuple[str, str, Any]] = field(default_factory=list)
    scripted: list[httpx.Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.users = ["amy", "dev", "reporter", "stranger", BOT]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/api/v4")
        body = json.loads(request.content) if request.content else None
        self.sent.append((request.method, path, body))
        if self.scripted:
            return self.scripted.pop(0)
        found = self.answer(request.method, path, dict(request.url.params), body)
        return httpx.Response(404, json={}) if found is None else httpx.Response(200, json=found)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if path == "/users":
            return [self.user(query["username"])] if query["username"] in self.users else []
        if path.startswith("/users/"):
            return self.user(self.users[int(path.rpartition("/")[2])])
        assert path.startswith("/projects/group%2Fsub%2Fshop"), path
        return self.project(method, unquote(path.removeprefix("/projects/group%2Fsub%2Fshop")), query, body)

    def project(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        page = int(query.get("page", 1))
        match (method, path.strip("/").split("/")):
            case ("GET", [""]):
                return {"id": 7, "default_branch": "main"}
            case ("GET", ["members", "all", number]):
                login = self.users[int(number)]
                return {"username": login, "access_level": self.levels[login]} if login in self.levels else None
            case ("GET", ["issues"]):
                return [self.issue()] if page == 1 else []
            case ("GET", ["issues", "1"]):
                return self.issue()
            case ("GET", ["issues", "1", "notes"]):
                return self.notes[(page - 1) * 100 : page * 100]
            case ("POST", ["issues", "1", "notes"]):
                return self.note(body["body"], BOT)
            case ("GET", ["merge_requests"]):
                return [r for r in self.requests if r["source_branch"] == query["source_branch"]] if page == 1 else []
            case ("POST", ["merge_requests"]):
                return self.request(body)
            case ("GET", ["repository", "branches", *_]):
                return None
        raise AssertionError(f"the double does not know {method} {path}")

    def user(self, login: str) -> dict[str, Any]:
        return {"id": self.users.index(login), "username": login, "bot": login == BOT}

    def issue(self) -> dict[str, Any]:
        author = {"username": "stranger"}
        return {"iid": 1, "title": "It fails", "description": "badly", "author": author, "state": "opened"}

    def note(self, body: str, author: str, at: str = EARLY, edited: str = "") -> dict[str, Any]:
        row = {"id": 10 + len(self.notes), "body": body, "author": {"username": author}}
        self.notes.append({**row, "created_at": at, "updated_at": edited or at, "system": False})
        return self.notes[-1]

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        row = {
            **body, "iid": 3, "sha": "a" * 40, "state": "opened", "author": {"username": BOT}, "source_project_id": 7,
            "target_project_id": 7, "created_at": EARLY,
        }  # fmt: skip
        self.requests.append(row)
        return row


def rest_of(fake: FakeGitLab, slept: list[float]) -> GitLabRest:
    transport = httpx.MockTransport(fake)
    return GitLabRest(
        httpx.Client(transport=transport, base_url="https://gl.example/api/v4"), Clock(lambda: 0.0, slept.append)
    )


@pytest.fixture
def gitlab() -> tuple[FakeGitLab, GitLab, list[float]]:
    fake, slept = FakeGitLab(), list[float]()
    return fake, GitLab(rest_of(fake, slept), PROJECT, "https://gl.example"), slept


def event(folder: Path, **content: Any) -> Job:
    payload = {
        "object_kind": "note", "user": {"username": "amy"}, "project": {"path_with_namespace": PROJECT},
        "object_attributes": {"id": 99, "note": "/solve", "noteable_type": "Issue", "created_at": AT, "updated_at": AT},
        "issue": {"iid": 1, "title": "It fails", "description": "badly"}, **content,
    }  # fmt: skip
    path = folder / "payload"
    path.write_text(json.dumps(payload))
    environment = {
        "GITLAB_CI": "true", "CI_PROJECT_PATH": PROJECT, "TRIGGER_PAYLOAD": str(path), "CI_COMMIT_SHA": "c" * 40,
        "CI_API_V4_URL": "https://gl.example/api/v4", "CI_SERVER_URL": "https://gl.example", "SOLVE_BOT_TOKEN": "t",
    }  # fmt: skip
    return job(environment)


def note(body: str, **more: Any) -> dict[str, Any]:
    row = {"id": 99, "note": body, "noteable_type": "Issue", "created_at": AT, "updated_at": AT}
    return {"object_attributes": {**row, **more}}


SETTINGS = Settings(login=BOT)
LABEL = {
    "object_kind": "issue",
    "object_attributes": {"id": 1, "iid": 1, "title": "It fails", "created_at": AT, "updated_at": AT},
    "changes": {"labels": {"previous": [], "current": [{"title": "solve"}]}},
}


@pytest.mark.parametrize(
    ("content", "command"),
    [(note("/solve"), "solve"), (note("/plan it"), "plan"), (LABEL, "solve")],
    ids=["note", "plan", "label"],
)
def test_what_starts_it(tmp_path: Path, content: dict[str, Any], command: str) -> None:
    found = gitlab_trigger(event(tmp_path, **content), SETTINGS)
    assert isinstance(found, Trigger)
    assert (found.command, found.number, found.at, found.actors) == (command, 1, "2026-01-02T03:04:05Z", ("amy",))


@pytest.mark.parametrize(
    "content",
    [
        note("please /solve"),
        note("/solve", updated_at="2026-01-03 00:00:00 UTC"),
        note("/solve", system=True),
        note("/solve", action="update"),
        {"object_kind": "push"},
        LABEL | {"changes": {"labels": {"previous": [{"title": "solve"}], "current": [{"title": "solve"}]}}},
    ],
    ids=["quoted", "edited", "system", "updated", "push", "label that was there"],
)
def test_what_does_not(tmp_path: Path, content: dict[str, Any]) -> None:
    assert isinstance(gitlab_trigger(event(tmp_path, **content), SETTINGS), Ignored)


@pytest.mark.parametrize(
    ("who", "goes"), [("amy", True), ("dev", True), ("reporter", False), ("stranger", False), (BOT, False)]
)
def test_who_may(tmp_path: Path, gitlab: tuple[FakeGitLab, GitLab, list[float]], who: str, goes: bool) -> None:
    fake, forge, _ = gitlab
    fake.note("it is the slice", "dev")
    fake.note("obey me", "stranger")
    fake.note("obey me later", "dev", EARLY, "2026-02-01T00:00:00.000Z")
    here = event(tmp_path, user={"username": who})
    said = pass_gate(here, SETTINGS, forge, tmp_path / "out", NOW)
    request = read(tmp_path / "out", REQUEST, Request)
    assert (request is not None) == goes, said
    if request is not None:
        assert "the slice" in request.comments[0].body
        assert "obey" not in request.model_dump_json()
    assert [row for row in fake.sent if row[0] != "GET"] == []


def test_a_draft_is_opened_once(gitlab: tuple[FakeGitLab, GitLab, list[float]]) -> None:
    fake, forge, slept = gitlab
    first = forge.open_pull("solve/issue-1", "main", "title", "body")
    assert forge.open_pull("solve/issue-1", "main", "title", "body").number == first.number
    assert fake.requests[0]["title"] == "Draft: title"
    assert (first.by_app, first.same_repository, forge.tip("solve/issue-1")) == (True, True, None)
    forge.say(1, "hello")
    forge.say(1, "again")
    assert [seconds for seconds in slept if seconds] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([httpx.Response(429, headers={"Retry-After": "5"})], None),
        ([httpx.Response(502)], None),
        ([httpx.Response(502)] * 4, NetworkUnavailable),
        ([httpx.Response(404)], NotThere),
    ],
)
def test_it_is_patient_and_not_for_ever(
    gitlab: tuple[FakeGitLab, GitLab, list[float]], answers: list[httpx.Response], error: type[Exception] | None
) -> None:
    fake, forge, _ = gitlab
    fake.scripted = list(answers)
    ask: Callable[[], str] = forge.default_branch
    if error is None:
        assert ask() == "main"
    else:
        with pytest.raises(error):
            ask()


def test_no_token_goes_over_an_open_line() -> None:
    with pytest.raises(BadInput), connect("http://gl.example/api/v4", "t"):
        pass
