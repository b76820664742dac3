"""Joining edits that were made side by side: nothing is lost, and what contradicts is said to."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.merge import join

BASE = b"".join(b"line %d\n" % number for number in range(20))


def changed(*lines: int, by: bytes) -> bytes:
    return b"".join(by + b" %d\n" % n if n in lines else b"line %d\n" % n for n in range(20))


def test_edits_apart_from_each_other_are_both_there() -> None:
    joined = join({"a": BASE}, {"a": changed(2, by=b"ours")}, {"a": changed(15, by=b"theirs")})
    assert joined.conflicts == ()
    assert b"ours 2\n" in (joined.files["a"] or b"")
    assert b"theirs 15\n" in (joined.files["a"] or b"")


def test_the_same_lines_are_a_conflict_and_ours_stays() -> None:
    ours = changed(2, by=b"ours")
    joined = join({"a": BASE}, {"a": ours}, {"a": changed(2, by=b"theirs")})
    assert joined.conflicts == ("a",)
    assert joined.files["a"] == ours


def test_files_of_one_side_alone_are_taken() -> None:
    base = {"new": None, "gone": b"x", "mine": None}
    joined = join(base, {"mine": b"m"}, {"new": b"n", "gone": None})
    assert joined.files == {"mine": b"m", "new": b"n", "gone": None}
    assert joined.conflicts == ()


def test_deleting_what_the_other_changed_is_a_conflict() -> None:
    joined = join({"a": BASE}, {"a": changed(2, by=b"ours")}, {"a": None})
    assert joined.conflicts == ("a",)


def test_a_file_that_both_made_differently_is_a_conflict() -> None:
    assert join({"a": None}, {"a": b"x\n"}, {"a": b"y\n"}).conflicts == ("a",)


def test_what_is_no_text_is_not_merged() -> None:
    assert join({"a": b"\0\1"}, {"a": b"\0\2"}, {"a": b"\0\3"}).conflicts == ("a",)


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(0, 8)), st.sets(st.integers(11, 19)))
def test_whatever_does_not_touch_merges_whole(first: set[int], second: set[int]) -> None:
    joined = join({"a": BASE}, {"a": changed(*first, by=b"a")}, {"a": changed(*second, by=b"b")})
    wanted = b"".join(b"%s %d\n" % (b"a" if n in first else b"b" if n in second else b"line", n) for n in range(20))
    assert joined.files["a"] == wanted
