"""What a person and a program see of a running batch."""

import io
import json

from bench_work import planned
from rich.console import Console

from agents.run.bench_view import watching
from tasks.admission import Containers
from tasks.event import Event
from tasks.history import History
from tasks.limits import Budget
from tasks.notice import Notice
from tasks.planned import Job
from tasks.tally import Tally
from tasks.watched import Watched

ATTEMPTS = [planned(f"org__calc-{number}") for number in range(4)]
RESULT = ATTEMPTS[0].unsolved.model_copy(update={"outcome": "resolved", "dollars": 0.5, "tokens_in": 1200})


def shown(*, terminal: bool, as_json: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, _environ={})
    tally = Tally(ATTEMPTS, History())
    watched = Watched(Job(ATTEMPTS[1], "solve"), Budget(), 60.0, Containers(1))
    watched.tell(Event("code", "coder: edit \x1b[2J"))
    with watching(console, tally, lambda: [watched], lambda: "the engine is silent", as_json=as_json) as told:
        told(Notice("begun", ATTEMPTS[0].key))
        told(Notice("graded", ATTEMPTS[0].key, result=RESULT))
        told(Notice("again", ATTEMPTS[1].key, "no engine answers; again in 2 s", "engine"))
    return out.getvalue()


def test_a_board_has_models_what_runs_and_what_holds_it_up() -> None:
    text = shown(terminal=True, as_json=False)
    for part in ("1 of 4", "1 (100.0%)", "20.7 to 100.0", "0.50", "1.2k", "coder: edit", "the engine is silent"):
        assert part in text
    assert "edit \x1b[2J" not in text  # what a model says rewrites no screen


def test_away_from_a_terminal_ends_are_lines() -> None:
    assert shown(terminal=False, as_json=False).splitlines() == [
        "1/4 org__calc-0 m #1: resolved (0 + 0 s)",
        "org__calc-1 m #1: engine: no engine answers; again in 2 s",
    ]


def test_a_program_gets_an_object_a_line() -> None:
    begun, graded, again = map(json.loads, shown(terminal=False, as_json=True).splitlines())
    assert (begun["event"], again["early"]) == ("begun", "engine")
    assert graded["outcome"] == "resolved"
    assert graded["progress"]["models"]["m"]["dollars"] == 0.5
