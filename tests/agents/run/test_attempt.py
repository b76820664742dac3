"""An attempt's folder and its early end, as a batch sees them."""

from pathlib import Path

import pytest
from bench_work import planned
from hypothesis import given
from hypothesis import strategies as st

from agents.run.attempt import Attempting, attempt_folder, carried, early_of, fit, forget, set_aside, spent
from agents.trouble import ModelRefused, ModelUnavailable
from sandbox.api import BadInput, Sandbox
from tasks.adaptive import Lanes
from tasks.admission import Containers
from tasks.causes import Early, EndedEarly
from tasks.environment import Place
from tasks.grade import Grader
from tasks.limits import Allowance, Amount, Budget
from tasks.planned import Job
from tasks.row import Row
from tasks.task import Attempt, Ended
from tasks.watched import Watched

names = st.text(min_size=1, max_size=20)


@given(names, names)
def test_two_names_are_never_one_folder(first: str, second: str) -> None:
    assert (fit(first) == fit(second)) == (first == second)
    assert "/" not in fit(first)
    assert not fit(first).startswith(".")


@pytest.mark.parametrize(
    ("ended", "reason", "early"),
    [
        ("infra_error", str(ModelUnavailable("http://x/v1 answers 429, 6 times")), "rate limit"),
        ("infra_error", str(ModelUnavailable("http://x/v1 answers 500, 6 times")), "provider"),
        ("infra_error", str(ModelUnavailable("http://x/v1 cannot be reached, 6 times")), "provider"),
        ("over_budget", "1 dollars asked, 0 of 2 left", "budget"),
        ("gave_up", str(ModelRefused("gpt refused: no")), "refusal"),
        ("gave_up", str(ModelRefused("gpt at http://x refused the request (400): policy")), "refusal"),
        ("gave_up", "no change came of it", None),
        ("patched", "", None),
    ],
)
def test_what_a_solver_tells_has_its_cause(ended: Ended, reason: str, early: Early | None) -> None:
    assert early_of(Attempt(b"", ended, reason)) == early


def test_an_attempt_that_is_made_anew_keeps_what_it_left_before(tmp_path: Path) -> None:
    key = ("a", "org/model", 1)
    for text in ("first", "second"):
        folder = attempt_folder(tmp_path, key)
        folder.mkdir(parents=True)
        (folder / "note").write_text(text)
        set_aside(tmp_path, key)
    folder = attempt_folder(tmp_path, key)
    assert not folder.exists()
    kept = sorted(path.read_text() for path in folder.parent.glob("a-1.before-*/note"))
    assert kept == ["first", "second"]


def test_a_graphs_steps_are_forgotten_and_its_journal_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "2-gpt"
    folder.mkdir()
    (folder / "checkpoints.sqlite").write_text("x")
    (folder / "journal.jsonl").write_text("")
    forget(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["journal.jsonl"]
    assert (spent(tmp_path).calls, carried(tmp_path, ("a", "m", 1))) == (0, Amount())


def test_an_image_that_takes_its_time_takes_none_of_the_attempts(tmp_path: Path) -> None:
    now = 0.0

    def made(row: Row) -> Place:
        nonlocal now
        now += 3600
        assert not watched.late
        raise BadInput("it cannot be made after all")

    def refused(*what: object) -> Sandbox:
        raise AssertionError("there is no image to open")

    watched = Watched(
        Job(planned("a", "repair"), "solve"),
        Budget(Allowance(seconds=1800.0), clock=lambda: now),
        2700.0,
        Containers(1),
        clock=lambda: now,
    )
    attempting = Attempting(
        tmp_path, None, tmp_path, made, refused, Grader(made, refused, None), Lanes(), {"SOLVE_OFFLINE": "1"}
    )
    with pytest.raises(EndedEarly, match="cannot be made"):
        attempting.solve(watched.job, watched)
    assert (watched.late, watched.budget.seconds_left) == (False, 1800.0)
    now += 2701
    assert (watched.late, watched.budget.seconds_left) == (True, 0.0)
