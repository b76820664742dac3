"""Issues read from forges, over real HTTP."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from forge_server import ForgeServer
from pydantic import TypeAdapter

from sandbox.api import BadInput, NetworkUnavailable
from tasks.forge import Forge, parse_address
from tasks.issue import read_issue
from tasks.task import Comment, Issue

ISSUE = "https://github.com/octo/hello/issues/7"
API = "/repos/octo/hello/issues/7"
GITLAB = "https://gitlab.com/group/sub/hello/-/issues/7"
GITLAB_API = "/projects/group%2Fsub%2Fhello/issues/7"


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    with ForgeServer() as server:
        yield server


def read(url: str, forge: ForgeServer, **environment: str) -> Issue:
    return read_issue(
        url, stdin=None, environment={"GITHUB_API_URL": forge.url, "CI_API_V4_URL": forge.url, **environment}
    )


def comment(number: int, day: int = 1) -> dict[str, Any]:
    stamp = f"2024-01-{day:02}T00:00:00Z"
    return {"body": f"comment {number}", "created_at": stamp, "user": {"login": f"user{number}"}, "id": number}


class TestGitHub:
    def test_body_and_comments(self, forge: ForgeServer) -> None:
        forge.reply(API, {"title": "Sum", "body": "is\r\nwrong", "number": 7, "labels": []})
        forge.reply(f"{API}/comments?per_page=100&page=1", [comment(2, day=9), comment(1, day=3)])
        issue = read(ISSUE, forge)
        assert (issue.title, issue.body, issue.source) == ("Sum", "is\nwrong", ISSUE)
        assert issue.comments[0] == Comment("user1", "2024-01-03T00:00:00Z", "comment 1")
        assert [item.author for item in issue.comments] == ["user1", "user2"]
        assert issue.fetched.endswith("+00:00")

    def test_all_pages_of_comments(self, forge: ForgeServer) -> None:
        forge.reply(API, {"title": "Sum", "body": None})
        forge.reply(f"{API}/comments?per_page=100&page=1", [comment(number) for number in range(100)])
        forge.reply(f"{API}/comments?per_page=100&page=2", [comment(100)])
        assert len(read(ISSUE, forge).comments) == 101

    def test_a_deleted_account_still_has_its_say(self, forge: ForgeServer) -> None:
        forge.reply(API, {"title": "Sum", "body": ""})
        forge.reply(f"{API}/comments?per_page=100&page=1", [{**comment(1), "user": None, "body": None}])
        assert read(ISSUE, forge).comments == (Comment("ghost", "2024-01-01T00:00:00Z", ""),)

    def test_a_transferred_issue(self, forge: ForgeServer) -> None:
        forge.reply(API, {}, 301, {"Location": "/repositories/5/issues/7"})
        forge.reply("/repositories/5/issues/7", {"title": "Sum", "body": "moved"})
        forge.reply(f"{API}/comments?per_page=100&page=1", [])
        assert read(ISSUE, forge).body == "moved"

    def test_an_enterprise_server(self, forge: ForgeServer) -> None:
        forge.reply("/api/v3/repos/octo/hello/issues/7", {"title": "Sum", "body": ""})
        forge.reply("/api/v3/repos/octo/hello/issues/7/comments?per_page=100&page=1", [])
        assert read(f"{forge.url}/octo/hello/issues/7#issuecomment-1", forge).title == "Sum"


class TestGitLab:
    def test_body_and_notes(self, forge: ForgeServer) -> None:
        note = {"body": "me too", "created_at": "2024-01-03T00:00:00.000Z", "author": {"username": "ada"}}
        forge.reply(GITLAB_API, {"title": "Sum", "description": "is wrong", "user_notes_count": 1})
        forge.reply(
            f"{GITLAB_API}/notes?per_page=100&page=1", [note, {**note, "system": True, "body": "changed the milestone"}]
        )
        issue = read(GITLAB, forge, GITLAB_TOKEN="glpat-x")
        assert (issue.title, issue.body) == ("Sum", "is wrong")
        assert issue.comments == (Comment("ada", "2024-01-03T00:00:00.000Z", "me too"),)
        assert set(forge.sent("Authorization")) == {"Bearer glpat-x"}

    def test_without_a_token_the_comments_are_said_to_be_missing(self, forge: ForgeServer) -> None:
        forge.reply(GITLAB_API, {"title": "Sum", "description": "is wrong", "user_notes_count": 3})
        issue = read(GITLAB.replace("issues", "work_items"), forge)
        assert issue.body == "is wrong"
        assert "without its 3 comments: they take a GITLAB_TOKEN" in issue.source


class TestTokens:
    def test_a_private_issue_is_read_with_the_token(self, forge: ForgeServer) -> None:
        forge.reply(API, {"title": "Sum", "body": ""})
        forge.reply(f"{API}/comments?per_page=100&page=1", [])
        read(ISSUE, forge, GH_TOKEN="second", GITHUB_TOKEN="first", GITLAB_TOKEN="other")
        assert forge.sent("Authorization") == ["Bearer first"] * 2

    def test_no_other_host_is_sent_a_token(self, forge: ForgeServer) -> None:
        """The issue's host says it is a forge; only the host that a token belongs to may see it."""
        for url in (f"{forge.url}/octo/hello/issues/7", f"{forge.url}/group/hello/-/issues/7"):
            with pytest.raises(BadInput):
                read(url, forge, GITHUB_TOKEN="secret", GITLAB_TOKEN="secret")
        assert forge.requests
        assert forge.sent("Authorization") == []

    def test_a_token_for_another_server_is_not_sent_to_github(self, forge: ForgeServer) -> None:
        forge.reply("/elsewhere", {})
        server = {"GITHUB_SERVER_URL": "https://git.example.org", "GITHUB_TOKEN": "secret"}
        assert parse_address(ISSUE).api(server) == "https://api.github.com"

    def test_a_redirect_to_another_host_is_not_followed(self, forge: ForgeServer) -> None:
        with ForgeServer() as other:
            forge.reply(API, {}, 302, {"Location": f"{other.url}{API}"})
            with pytest.raises(BadInput, match="has moved: open it in a browser"):
                read(ISSUE, forge, GITHUB_TOKEN="secret")
            assert other.requests == []

    def test_endless_redirects_end(self, forge: ForgeServer) -> None:
        forge.reply(API, {}, 302, {"Location": API})
        with pytest.raises(BadInput, match="has moved"):
            read(ISSUE, forge)


class TestRefused:
    def test_not_found_or_private(self, forge: ForgeServer) -> None:
        with pytest.raises(BadInput, match="was not found or is private: if it is private, set GITHUB_TOKEN"):
            read(ISSUE, forge)
        with pytest.raises(BadInput, match="the token in GITHUB_TOKEN may not read it"):
            read(ISSUE, forge, GITHUB_TOKEN="x")
        with pytest.raises(BadInput, match="if it is private, set GITLAB_TOKEN"):
            read(GITLAB, forge)

    def test_a_token_that_is_not_accepted(self, forge: ForgeServer) -> None:
        forge.reply(API, {"message": "Bad credentials"}, 401)
        with pytest.raises(BadInput, match="does not accept the token in GITHUB_TOKEN: renew or unset it"):
            read(ISSUE, forge, GITHUB_TOKEN="expired")

    @pytest.mark.parametrize(
        ("status", "headers"),
        [
            (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000000"}),
            (429, {"RateLimit-Reset": "1700000000"}),
        ],
    )
    def test_rate_limited(self, forge: ForgeServer, status: int, headers: dict[str, str]) -> None:
        forge.reply(API, {"message": "API rate limit exceeded"}, status, headers)
        with pytest.raises(BadInput, match="no more requests until 22:13:20 UTC: wait, or set GITHUB_TOKEN"):
            read(ISSUE, forge)

    def test_rate_limited_for_some_seconds(self, forge: ForgeServer) -> None:
        forge.reply(API, {}, 403, {"Retry-After": "60"})
        with pytest.raises(BadInput, match=r"no more requests until \d\d:\d\d:\d\d UTC$"):
            read(ISSUE, forge, GITHUB_TOKEN="x")

    def test_a_pull_request_under_an_issues_address(self, forge: ForgeServer) -> None:
        forge.reply(API, {"title": "Sum", "body": "", "pull_request": {"url": "..."}})
        with pytest.raises(BadInput, match="is a pull request, not an issue"):
            read(ISSUE, forge)

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"\xff"])
    def test_a_page_that_is_no_issue(self, forge: ForgeServer, body: bytes) -> None:
        forge.reply(API, body)
        with pytest.raises(BadInput, match="does not answer as github does"):
            read(ISSUE, forge)

    def test_too_large(self, forge: ForgeServer) -> None:
        forge.reply(API, {"title": "Sum", "body": "a" * (1 << 20)})
        forge.reply(f"{API}/comments?per_page=100&page=1", [])
        with pytest.raises(BadInput, match="has 1048581 bytes; an issue has at most 1048576"):
            read(ISSUE, forge)

    def test_a_flood(self, forge: ForgeServer) -> None:
        forge.reply(API, b" " * (9 << 20))
        with pytest.raises(BadInput, match="has more than 1048576 bytes"):
            read(ISSUE, forge)


class TestNetwork:
    """The machine's fault, not the person's: exit status 3."""

    def test_nobody_listens(self, forge: ForgeServer) -> None:
        with ForgeServer() as gone:
            pass
        with pytest.raises(NetworkUnavailable, match="cannot be reached"):
            read(ISSUE, gone)

    def test_a_silent_server(self, forge: ForgeServer) -> None:
        forge.reply(API, {}, pause=1.0)
        client = Forge(parse_address(ISSUE), {"GITHUB_API_URL": forge.url}, timeout=httpx.Timeout(0.1))
        with client, pytest.raises(NetworkUnavailable, match="does not answer: try again later"):
            client.get(API, TypeAdapter(dict[str, str]))

    def test_the_server_is_down(self, forge: ForgeServer) -> None:
        forge.reply(API, b"", 503)
        with pytest.raises(NetworkUnavailable, match="answers with status 503: try again later"):
            read(ISSUE, forge)

    def test_the_connection_ends_early(self, forge: ForgeServer) -> None:
        forge.reply(API, b"{}", headers={"Content-Length": "100"})
        started = time.monotonic()
        with pytest.raises(NetworkUnavailable):
            read(ISSUE, forge)
        assert time.monotonic() - started < 5
