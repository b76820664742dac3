"""Failure messages, read for what they tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.repair.clues import clues


def test_the_difference_of_two_texts_is_found_in_both_directions() -> None:
    found = clues(["AssertionError: assert 'a-b' == 'a_b'\n  - a_b"])
    assert ("-", "_") in found.pairs
    assert ("_", "-") in found.pairs
    assert set(found.strings) == {"a-b", "a_b"}


def test_texts_inside_of_collections_are_compared_place_by_place() -> None:
    found = clues(["assert ['x', 'same'] == ['y', 'same']"])
    assert set(found.strings) == {"x", "y"}


def test_unittest_says_it_the_other_way() -> None:
    assert ("!", "") in clues(["AssertionError: 'hey!' != 'hey'"]).pairs


def test_exceptions_that_were_raised_or_expected_are_named() -> None:
    found = clues(["KeyError: 'x'", "Failed: DID NOT RAISE <class 'pkg.errors.Refused'>", "ValueError not raised"])
    assert found.exceptions == ("KeyError", "Refused", "ValueError")
    assert found.wanted == ("Refused", "ValueError")


def test_parameters_without_an_argument_are_named() -> None:
    message = "TypeError: f() missing 2 required positional arguments: 'width' and 'fill'"
    assert clues([message]).missing == ("width", "fill")


@pytest.mark.parametrize(
    "message",
    [
        'AssertionError: "must be at least 0\\." does not match "Stop argument"',
        "AssertionError: Regex pattern did not match.\n Regex: 'must be at least 0\\\\.'\n Input: 'Stop'",
        "AssertionError: no match\n  Expected regex: 'must be at least 0\\\\.'\n  Actual message: 'Stop'",
    ],
)
def test_what_an_exception_should_have_said_is_taken_down(message: str) -> None:
    assert clues([message]).told == ("must be at least 0.",)


def test_symptoms_are_no_clue() -> None:
    assert clues(["RecursionError: maximum recursion depth exceeded", "AssertionError: no"]).exceptions == ()


@given(st.text(max_size=300))
def test_any_message_is_read_without_harm(message: str) -> None:
    clues([message, f"assert {message} == {message[::-1]}"])
