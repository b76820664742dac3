"""A journal is played back: each request once, and a missing one shows the nearest."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from llm_bench import BenchAt
from model_server import ModelServer, Say

from agents.record import Request
from agents.replay import Cassette
from sandbox.api import BadInput


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
