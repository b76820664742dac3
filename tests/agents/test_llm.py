"""Every failure of a model's server, over real HTTP on loopback."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from model_server import Drip, Drop, ModelServer, Raw, Say, Status, overflow, wrong_model

from agents.journal import Journal
from agents.llm import Servers
from agents.models import Model, Price
from agents.record import Request, read
from agents.replay import Cassette
from agents.reply import Reply
from agents.trouble import ContextOverflow, ModelRefused, ModelUnavailable, RequestRejected
from sandbox.api import BadInput
from tasks.limits import Allowance, Amount, Budget, OverBudget

PRICE = Price(input=Decimal(2), cached=Decimal("0.5"), output=Decimal(8))
NO_LIMIT = Allowance()


class Bench:
    """A client on a scripted server, whose sleep is noted and not slept."""

    def __init__(self, folder: Path, url: str, allowance: Allowance = NO_LIMIT, **more: Any) -> None:
        self.slept: list[float] = []
        self.budget = Budget(allowance)
        self.model = Model(id="m", base_url=url, context=10_000, output=100, price=PRICE)
        self.journal = Journal(folder / "journal.jsonl", {})
        settings: dict[str, Any] = {"sleep": self.slept.append, "chance": lambda: 0.5, **more}
        self.servers = Servers(self.journal, self.budget, lambda model: "key", **settings)

    def ask(self, text: str = "hi", seat: str = "coder", **options: Any) -> Reply:
        request = Request(seat, ({"role": "user", "content": text},), {"model": "m", "max_tokens": 100, **options})
        return self.servers.complete(self.model, request)

    def once(self, tries: int = 1) -> Reply:
        request = Request("s", ({"role": "user", "content": "x"},), {"model": "m"})
        return self.servers.complete(self.model, request, tries=tries)


BenchAt = Callable[..., Bench]


@pytest.fixture
def bench_at(tmp_path: Path) -> Iterator[BenchAt]:
    made: list[Bench] = []

    def make(url: str, *given: Any, **more: Any) -> Bench:
        made.append(Bench(tmp_path, url, *given, **more))
        return made[-1]

    yield make
    for bench in made:
        bench.servers.close()
        bench.journal.close()


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_is_read_with_its_calls_and_its_usage(bench_at: BenchAt, stream: bool) -> None:
    said = Say("let me look", [("view", {"path": "a.py"}), ("run", "not json")], tokens=(1000, 10), cached=400)
    with ModelServer([said]) as server:
        bench = bench_at(server.url)
        reply = bench.ask(stream=stream)
    assert reply.text == "let me look"
    assert [(call.name, call.arguments) for call in reply.calls] == [("view", '{"path": "a.py"}'), ("run", "not json")]
    assert reply.ran == "m-as-served"
    assert (reply.tokens_in, reply.tokens_cached, reply.tokens_out) == (1000, 400, 10)
    # 600 fresh at $2, 400 cached at $0.50 and 10 out at $8 a million
    assert bench.budget.spent == Amount(1, 1010, Decimal("0.00148"))


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500, 502, 503, 529])
def test_a_busy_server_is_asked_again(bench_at: BenchAt, code: int) -> None:
    with ModelServer([Status(code), Status(code), Say("at last")]) as server:
        bench = bench_at(server.url)
        assert bench.ask().text == "at last"
    assert bench.slept == [1.0, 2.0]  # half of the doubling base: full jitter with a chance of 0.5


def test_retry_after_is_kept(bench_at: BenchAt) -> None:
    with ModelServer([Status(429, {"Retry-After": "7"}), Say("ok")]) as server:
        bench = bench_at(server.url)
        bench.ask()
    assert 7 < bench.slept[0] < 8


def test_a_server_that_wants_an_hour_is_down(bench_at: BenchAt) -> None:
    with ModelServer([Status(429, {"Retry-After": "3600"})]) as server, pytest.raises(ModelUnavailable, match="3600"):
        bench_at(server.url).ask()


def test_retries_end(bench_at: BenchAt) -> None:
    with ModelServer([Status(503)] * 6) as server, pytest.raises(ModelUnavailable, match="503, 6 times"):
        bench_at(server.url).ask()


@pytest.mark.parametrize("act", [Drop(40), Drop(0), Drop(40, reset=True), Raw(b"{not json"), Raw(b"[]")])
def test_a_reply_that_breaks_off_is_asked_again_and_booked_in_full(bench_at: BenchAt, act: Any) -> None:
    with ModelServer([act, Say("whole", tokens=(10, 1))]) as server:
        bench = bench_at(server.url)
        assert bench.ask().text == "whole"
    assert bench.budget.spent.calls == 2
    assert bench.budget.spent.tokens > 11 + 100  # the lost one may have been paid up to its longest


def test_a_stream_that_breaks_off_is_asked_again(bench_at: BenchAt) -> None:
    with ModelServer([Drop(700), Say("whole")]) as server:
        assert bench_at(server.url).ask(stream=True).text == "whole"


def test_a_slow_drip_ends_at_the_deadline(bench_at: BenchAt) -> None:
    with ModelServer(lambda request: Drip(0.02)) as server, pytest.raises(ModelUnavailable, match="too long"):
        bench_at(server.url, deadline=0.2).once(tries=2)


def test_a_server_that_never_starts_its_reply_times_out(bench_at: BenchAt) -> None:
    with ModelServer([Say("late", pause=1.0), Say("late", pause=1.0)]) as server:
        bench = bench_at(server.url, deadline=0.2)
        with pytest.raises(ModelUnavailable, match="too long"):
            bench.once(tries=2)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("empty", [Say(choices=False, tokens=(50, 0)), Say(None, tokens=(50, 0))])
def test_an_empty_reply_is_counted_billed_and_asked_again(bench_at: BenchAt, empty: Say, stream: bool) -> None:
    with ModelServer([empty, Say("ok", tokens=(50, 1))]) as server:
        bench = bench_at(server.url)
        assert bench.ask(stream=stream).text == "ok"
    assert bench.servers.malformed == 1
    assert bench.budget.spent == Amount(2, 101, PRICE.of(100, 0, 1))


def test_a_server_that_sends_no_completions_is_given_up(bench_at: BenchAt) -> None:
    with ModelServer([Raw(b"{}")] * 3) as server, pytest.raises(ModelUnavailable, match="no choices"):
        bench_at(server.url).ask()


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (Status(401), BadInput, "refuses the key"),
        (Status(403), BadInput, "refuses the key"),
        (Status(402), BadInput, "refuses the key"),
        (Status(307, {"Location": "http://127.0.0.1:9/"}), BadInput, "not the right address"),
        (wrong_model(), BadInput, "has no model m"),
        (Status(400, error={"message": "bad", "code": "x"}), RequestRejected, "bad"),
        (overflow(), ContextOverflow, "m at .* cannot read as much"),
        (Status(400, error={"message": "no", "code": "content_filter"}), ModelRefused, "refused"),
        (Status(429, error={"message": "pay", "code": "insufficient_quota"}), BadInput, "no quota left"),
        (Say(refusal="I will not"), ModelRefused, "I will not"),
        (Say("half a s", finish="content_filter"), ModelRefused, "filter"),
    ],
)
def test_what_no_retry_mends_is_said_at_once(bench_at: BenchAt, act: Any, error: type[Exception], words: str) -> None:
    with ModelServer([act]) as server, pytest.raises(error, match=words) as caught:
        bench_at(server.url).ask()
    assert "\n" not in str(caught.value)


def test_a_huge_reply_is_cut_off(bench_at: BenchAt) -> None:
    huge = Say("x" * (17 << 20), tokens=(1, 1))
    with ModelServer([huge]) as server, pytest.raises(ModelUnavailable, match="16 MiB"):
        bench_at(server.url).once()


def test_a_long_reply_within_reason_arrives(bench_at: BenchAt) -> None:
    with ModelServer([Say("x" * 1_000_000)]) as server:
        assert len(bench_at(server.url).ask().text) == 1_000_000


def test_nobody_listening_is_unavailable_and_costs_no_token(bench_at: BenchAt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bench = bench_at(f"http://127.0.0.1:{port}/v1")
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        bench.ask()
    assert bench.budget.spent.tokens == 0


def test_the_environment_sends_no_organisation(bench_at: BenchAt) -> None:
    with ModelServer([Say("ok")]) as server:
        bench_at(server.url).ask()
    names = {name.lower() for name in server.headers[0]}
    assert not names & {"openai-organization", "openai-project"}


def test_no_call_leaves_the_machine_offline(bench_at: BenchAt) -> None:
    bench = bench_at("http://192.0.2.1/v1", loopback_only=True)
    with pytest.raises(BadInput, match="SOLVE_OFFLINE"):
        bench.ask()


def test_a_test_cannot_reach_beyond_the_machine() -> None:
    with socket.socket() as out, pytest.raises(RuntimeError, match="--live"):
        out.connect(("192.0.2.1", 80))


def test_sixteen_branches_of_garbage_stay_within_every_limit(bench_at: BenchAt) -> None:
    """A server that always answers garbage, and bills it; nobody is ever one cent over."""
    limit = Allowance(calls=40, tokens=20_000, dollars=Decimal("0.05"))
    with ModelServer(lambda request: Say(None, tokens=(200, 100))) as server:
        bench = bench_at(server.url, limit)

        def branch(number: int) -> str:
            while True:
                try:
                    bench.ask(f"try {number}", seat=f"coder/{number}")
                except ModelUnavailable:
                    continue
                except OverBudget as error:
                    return str(error)

        with ThreadPoolExecutor(16) as pool:
            ends = list(pool.map(branch, range(16)))
    assert all("left" in end for end in ends)
    assert bench.budget.spent.within(Amount(40, 20_000, Decimal("0.05")))
    assert bench.budget.spent.calls == len(server.requests)


def test_a_prompt_that_grew_is_reserved_by_what_the_server_counted(bench_at: BenchAt) -> None:
    """The first request is bounded by its bytes; the next by the count of the first, so budgets are not wasted."""
    first = {"role": "user", "content": "word " * 2000}
    with ModelServer([Say("a", tokens=(2000, 5)), Say("b", tokens=(2010, 5))]) as server:
        bench = bench_at(server.url)
        bench.servers.complete(bench.model, Request("s", (first,), {"model": "m"}))
        more = ({"role": "assistant", "content": "a"}, {"role": "user", "content": "go on"})
        bench.servers.complete(bench.model, Request("s", (first, *more), {"model": "m"}))
    asked = read(bench.journal.path).asked
    assert asked[0].reserved.tokens > 10_000
    assert 2010 + 5 < asked[1].reserved.tokens < 2400


# -- the journal ------------------------------------------------------------------------------------------------------


def test_an_answer_is_on_disk_before_it_is_acted_on(bench_at: BenchAt, tmp_path: Path) -> None:
    seen: list[Any] = []
    with ModelServer([Say("ok")]) as server:
        bench = bench_at(server.url, told=lambda seat, reply: seen.append(read(tmp_path / "journal.jsonl")))
        bench.ask()
    assert [len(found) for found in seen[0].answers.values()] == [1]
    assert bench.journal.path.stat().st_mode & 0o777 == 0o600


def test_a_second_process_pays_nothing_twice(bench_at: BenchAt) -> None:
    with ModelServer([Say("one", tokens=(10, 5)), Say("two", tokens=(10, 5))]) as server:
        first = bench_at(server.url)
        said = [first.ask("same").text, first.ask("same").text]
        second = bench_at(server.url)
        assert [second.ask("same").text, second.ask("same").text] == said == ["one", "two"]
    assert second.budget.spent == first.budget.spent


def test_a_malformed_answer_is_not_paid_twice_either(bench_at: BenchAt) -> None:
    with ModelServer([Say(choices=False), Say("ok")]) as server:
        bench_at(server.url).ask()
        again = bench_at(server.url)
        assert again.ask().text == "ok"
    assert again.servers.malformed == 1


def test_what_a_server_declined_is_not_asked_again(bench_at: BenchAt) -> None:
    with ModelServer([overflow()]) as server:
        for _ in range(2):
            with pytest.raises(ContextOverflow):
                bench_at(server.url).ask()


def test_what_was_brought_once_is_brought_again(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j", {})
    assert first.remember("s", 0, "k", lambda: {"at": 1}) == {"at": 1}
    second = Journal(tmp_path / "j", {})
    assert second.remember("s", 0, "k", lambda: {"at": 2}) == {"at": 1}
    assert second.remember("s", 0, "other", lambda: {"at": 3}) == {"at": 3}


def test_a_call_that_never_ended_is_booked_in_full(bench_at: BenchAt) -> None:
    with ModelServer([Say("repeated", tokens=(10, 5))]) as server:
        dead = bench_at(server.url)
        request = Request("coder", ({"role": "user", "content": "hi"},), {"model": "m", "max_tokens": 100})
        dead.journal.asked(request, Amount(1, 500, Decimal("0.004")))  # and then the process died
        live = bench_at(server.url)
        live.ask()
    assert live.budget.spent == Amount(2, 515, Decimal("0.004") + PRICE.of(10, 0, 5))


def test_a_row_that_was_cut_short_never_took_place(bench_at: BenchAt) -> None:
    with ModelServer([Say("one"), Say("two")]) as server:
        bench = bench_at(server.url)
        bench.ask("1")
        path = bench.journal.path
        whole = path.read_bytes()
        bench.ask("2")
        path.write_bytes(path.read_bytes()[: len(whole) + 25])
        again = bench_at(server.url)
        assert again.ask("1").text == "one"
    assert path.read_bytes() == whole


def test_a_journal_keeps_the_settings_of_its_first_start(tmp_path: Path) -> None:
    Journal(tmp_path / "j", {"model": "a"})
    assert Journal(tmp_path / "j", {"model": "b"}).settings == {"model": "a"}


@pytest.mark.parametrize("damage", [b"{}\n", b"\x00\xff\n", b'{"row": "answered", "call": 9}\n'])
def test_a_damaged_journal_is_said_to_be_one(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "j").write_bytes(damage)
    with pytest.raises(BadInput, match="damaged"):
        read(tmp_path / "j")


def test_the_journal_grows_with_the_talk_and_not_with_its_square(tmp_path: Path) -> None:
    messages: list[Any] = []
    journal = Journal(tmp_path / "j", {})
    for number in range(60):
        messages.append({"role": "user", "content": f"{number} " + "x" * 2000})
        journal.asked(Request("s", tuple(messages), {}), Amount())
    assert (tmp_path / "j").stat().st_size < 60 * 2000 * 3


def test_many_threads_write_whole_rows(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", {})

    def work(number: int) -> None:
        for turn in range(10):
            journal.remember(f"seat/{number}", turn, "k", lambda: {"text": "x" * 5000})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read(tmp_path / "j").results) == 80


# -- replay -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cassette(bench_at: BenchAt, tmp_path: Path) -> Callable[[], Cassette]:
    with ModelServer([Say("recorded")]) as server:
        bench_at(server.url).ask("the question\nin two lines")
    return lambda: Cassette(tmp_path / "journal.jsonl")


def asking(text: str, seat: str = "coder") -> Request:
    return Request(seat, ({"role": "user", "content": text},), {"model": "m", "max_tokens": 100})


def test_a_recorded_request_is_answered_once(cassette: Callable[[], Cassette]) -> None:
    played = cassette()
    answer = played.play(asking("the question\nin two lines"))
    assert json.dumps(dict(answer.reply)).count("recorded") == 1
    with pytest.raises(BadInput, match="used up"):
        played.play(asking("the question\nin two lines"))


def test_a_request_that_was_not_recorded_shows_the_nearest(cassette: Callable[[], Cassette]) -> None:
    with pytest.raises(BadInput) as caught:
        cassette().play(asking("the question\nin three lines"))
    assert "-in two lines" in str(caught.value)
    assert "+in three lines" in str(caught.value)
