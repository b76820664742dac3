"""An attempt's folder and its early end, as a batch sees them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.run.attempt import attempt_folder, carried, early_of, fit, forget, set_aside, spent
from agents.trouble import ModelRefused, ModelUnavailable
from tasks.causes import Early
from tasks.limits import Amount
from tasks.task import Attempt, Ended

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
