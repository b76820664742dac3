"""How requests travel: real HTTP on loopback, a clock that only turns."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace

import httpx
import pytest
from github_fake import BOT, Answer, FakeGitHub
from github_server import serving

from agents.run.bot.forge import ForgeRefused, NotThere
from agents.run.bot.github import GitHub
from agents.run.bot.ledger import Ledger, marked, stickies
from agents.run.bot.rest import Clock, Rest, Unfit, message
from agents.run.bot.trigger import Said
from sandbox.api import BadInput, NetworkUnavailable


@dataclass
class Turned:
    """A clock that moves when somebody sleeps."""

    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def waits(self) -> list[float]:
        return [seconds for seconds in self.slept if seconds]


Asked = tuple[FakeGitHub, GitHub, Turned]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[FakeGitHub, str]]:
    fake = FakeGitHub("o/n", people={"amy": "write", "tom": "triage", "max": "maintain"})
    fake.issue(1)
    with serving(fake) as url:
        yield fake, url


@pytest.fixture
def asked(server: tuple[FakeGitHub, str]) -> Iterator[Asked]:
    fake, url = server
    fake.comments.clear()
    fake.pulls.clear()
    fake.calls.clear()
    fake.cached.clear()
    turned = Turned()
    with Rest(f"{url}/api/v3", fake.token, Clock(lambda: turned.seconds, turned.sleep)) as rest:
        yield fake, GitHub(rest, "o/n", url), turned


def test_a_second_lies_between_writes_and_none_before_reads(asked: Asked) -> None:
    fake, github, turned = asked
    for number in range(3):
        github.say(1, f"comment {number}")
        list(github.comments(1))
    assert turned.waits == [1.0, 1.0]
    assert len(fake.writes) == 3


def test_all_pages_are_read(asked: Asked) -> None:
    fake, github, _ = asked
    for number in range(205):
        fake.comment(1, str(number), "amy")
    assert [said.body for said in github.comments(1)] == [str(number) for number in range(205)]
    assert len(fake.calls) == 3


def test_what_did_not_change_is_not_sent_again(asked: Asked) -> None:
    fake, github, _ = asked
    fake.comment(1, "once", "amy")
    first, second = list(github.comments(1)), list(github.comments(1))
    assert first == second
    assert fake.cached["/repos/o/n/issues/1/comments"] == 1
    fake.comment(1, "twice", "amy")
    assert len(list(github.comments(1))) == 2


@pytest.mark.parametrize(
    ("status", "headers", "message", "waits"),
    [
        (403, {"Retry-After": "7"}, "You have exceeded a secondary rate limit", [7.0]),
        (429, {"Retry-After": "7"}, "", [7.0]),
        (403, {}, "You have exceeded a secondary rate limit", [60.0]),
        (429, {}, "slow down", [60.0]),
    ],
)
def test_it_waits_as_long_as_it_is_told(
    asked: Asked, status: int, headers: dict[str, str], message: str, waits: list[float]
) -> None:
    fake, github, turned = asked
    fake.scripted = [Answer(status, {"message": message}, headers)]
    assert github.default_branch() == "master"
    assert turned.waits == waits


def test_a_limit_on_a_write_is_waited_for_and_the_write_is_made_once(asked: Asked) -> None:
    fake, github, _ = asked
    fake.scripted = [Answer(403, {"message": "secondary rate limit"}, {"Retry-After": "30"})]
    github.say(1, "hello")
    assert [row["body"] for row in fake.comments] == ["hello"]


@pytest.mark.parametrize("after", ["3600", "30"])
def test_it_does_not_wait_for_ever(asked: Asked, after: str) -> None:
    fake, github, turned = asked
    fake.scripted = [Answer(403, {"message": "secondary rate limit"}, {"Retry-After": after})] * 4
    with pytest.raises(NetworkUnavailable, match="no more requests"):
        github.default_branch()
    fake.scripted.clear()
    assert sum(turned.waits) < 100


def test_a_read_is_tried_again_and_a_write_that_may_have_arrived_is_not(asked: Asked) -> None:
    fake, github, turned = asked
    fake.scripted = [Answer(502, {"message": "bad gateway"})]
    assert github.default_branch() == "master"
    assert turned.waits == [2.0]
    fake.scripted = [Answer(502, {"message": "bad gateway"})]
    with pytest.raises(NetworkUnavailable, match="502"):
        github.say(1, "hello")
    assert len(fake.writes) == 1


def test_a_second_pull_request_is_the_first(asked: Asked) -> None:
    fake, github, _ = asked
    fake.refs = {"solve/issue-1": "a" * 40}
    first = github.open_pull("solve/issue-1", "master", "title", "body")
    assert github.open_pull("solve/issue-1", "master", "title", "other").number == first.number
    with pytest.raises(Unfit, match="head is invalid"):
        github.open_pull("solve/issue-2", "master", "title", "body")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "No", "errors": [{"message": "a"}, {"code": "b"}, null]}', "No; a"),
        (b'{"message": "No", "errors": ["head is invalid"]}', "No; head is invalid"),
        (b'{"message": null, "errors": "odd"}', ""),
        (b'["odd"]', ""),
        (b"<html>", ""),
    ],
)
def test_whatever_an_error_looks_like_its_words_are_found(body: bytes, said: str) -> None:
    assert message(SimpleNamespace(response=httpx.Response(422, content=body))) == said


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda github: github.issue(99), NotThere),
        (lambda github: github.role("nobody"), NotThere),
        (lambda github: github.role("../../user"), BadInput),
        (lambda github: github.kind("amy/../root"), BadInput),
    ],
)
def test_what_is_not_there_or_odd(asked: Asked, call: Callable[[GitHub], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call(asked[1])


def test_a_token_that_is_refused_says_what_to_give(server: tuple[FakeGitHub, str]) -> None:
    fake, url = server
    with Rest(f"{url}/api/v3", "ghs_other") as rest, pytest.raises(ForgeRefused, match="give the job the permission"):
        GitHub(rest, "o/n", url).default_branch()
    assert fake.calls is not None


@pytest.mark.parametrize(("root", "token"), [("http://api.example.org", "t"), ("https://api.example.org", "")])
def test_no_token_goes_over_an_open_line(root: str, token: str) -> None:
    with pytest.raises(BadInput):
        Rest(root, token)


@pytest.mark.parametrize(("login", "role"), [("amy", "write"), ("max", "write"), ("tom", "less")])
def test_roles_are_githubs_own(asked: Asked, login: str, role: str) -> None:
    assert asked[1].role(login) == role


def test_an_answer_about_somebody_else_gives_nobody_a_role(asked: Asked) -> None:
    fake, github, _ = asked
    other = {"login": "max", "type": "User", "id": 3}
    fake.scripted = [Answer(200, {"permission": "admin", "role_name": "admin", "user": other})]
    assert github.role("amy") == "less"


def test_a_person_called_as_the_bot_is_not_believed() -> None:
    body = marked(Ledger(issue=1, pull=7), "words")
    bot = Said(1, BOT, True, "", "", body)
    assert stickies([bot], BOT)[0].ledger.pull == 7
    assert stickies([replace(bot, is_bot=False), replace(bot, body=f"> {body}")], BOT) == []
