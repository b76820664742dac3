"""Failure messages, read for what they tell."""

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


def test_symptoms_are_no_clue() -> None:
    assert clues(["RecursionError: maximum recursion depth exceeded", "AssertionError: no"]).exceptions == ()


@given(st.text(max_size=300))
def test_any_message_is_read_without_harm(message: str) -> None:
    clues([message, f"assert {message} == {message[::-1]}"])
