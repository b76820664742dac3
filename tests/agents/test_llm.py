"""Every failure of a model's server, over real HTTP on loopback."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from llm_bench import PRICE, BenchAt
from model_server import Drip, Drop, ModelServer, Raw, Say, Status, overflow, wrong_model

from agents.record import Request, read
from agents.trouble import ContextOverflow, ModelRefused, ModelUnavailable, RequestRejected
from sandbox.api import BadInput
from tasks.adaptive import Lanes
from tasks.limits import Allowance, Amount, OverBudget


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


@pytest.mark.parametrize("act", [Say("late", pause=30), Status(429, {"Retry-After": "30"})])
def test_a_budget_that_is_ended_waits_neither_for_a_reply_nor_for_another_try(bench_at: BenchAt, act: Any) -> None:
    started = time.monotonic()
    with ModelServer([act]) as server:
        bench = bench_at(server.url, sleep=None)
        threading.Timer(0.3, bench.budget.end).start()
        with pytest.raises(OverBudget, match="time is up"):
            bench.ask()
    assert time.monotonic() - started < 10
    assert bench.budget.spent.calls == 1  # it may have been paid


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


def test_waiting_for_room_at_a_crowded_server_takes_no_time_of_the_attempt(bench_at: BenchAt) -> None:
    with ModelServer([Say("at last")]) as server:
        lanes = Lanes(start=1)
        bench = bench_at(server.url, Allowance(seconds=60.0), lanes=lanes)
        with ThreadPoolExecutor(1) as other:
            with lanes.to(server.url).call(1.0):
                asked = other.submit(bench.ask)
                time.sleep(0.5)
            assert asked.result().text == "at last"
    assert bench.budget.seconds_left > 59.75
