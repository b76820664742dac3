"""What moved is said, and what chance explains is not."""

import math

from tasks.drift import Profile, drift, moved_terms


def profile(**changed: object) -> Profile:
    fields = {
        "attempts": 20,
        "numbers": {"reply": [float(number) for number in range(20)]},
        "shares": {"malformed": (1, 40)},
        "kinds": {"tools": {"read": 30, "edit": 10}},
        "texts": {"issues": ["the parser fails on dates"] * 20},
    }
    return Profile(**(fields | changed))  # type: ignore[arg-type]


def test_the_same_run_has_not_moved() -> None:
    found = drift(profile(), profile())
    assert [row.moved for row in found.rows] == [False, False, False]
    assert found.terms == {"issues": ((), ())}


def test_each_kind_of_change_is_found() -> None:
    after = profile(
        numbers={"reply": [float(number + 15) for number in range(20)]},
        shares={"malformed": (15, 40)},
        kinds={"tools": {"read": 5, "edit": 10, "shell": 25}},
        texts={"issues": ["the widget leaks memory"] * 20},
    )
    found = drift(profile(), after)
    assert [row.moved for row in found.rows] == [True, True, True]
    assert found.rows[0].effect > 0.9
    assert found.rows[1].effect == 14 / 40
    gone, come = map(set, found.terms["issues"])
    assert (gone, come) == ({"parser", "fails", "dates"}, {"widget", "leaks", "memory"})


def test_too_little_to_tell_is_no_change() -> None:
    found = drift(profile(numbers={"reply": [1.0]}), profile(numbers={"reply": [900.0]}, shares={"malformed": (0, 0)}))
    assert math.isnan(found.rows[0].p)
    assert not found.rows[0].moved
    assert found.rows[1].after == "–"


def test_one_long_text_is_no_topic() -> None:
    assert moved_terms(["alpha beta"] * 10, [*["alpha beta"] * 9, "gamma " * 500]) == ((), ())
