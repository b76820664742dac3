"""What is paid is on disk before it is acted on, and is never paid twice."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from llm_bench import PRICE, BenchAt
from model_server import ModelServer, Say, overflow

from agents.journal import Journal
from agents.record import Request, read
from agents.trouble import ContextOverflow
from sandbox.api import BadInput
from tasks.limits import Amount


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
