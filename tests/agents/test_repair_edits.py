"""Text edits: what lies outside an edit stays as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.repair.edits import Edit, apply, spanning, trimmed


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    """Some data and edits of it that do not overlap."""
    data = draw(st.binary(max_size=60))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return data, [Edit(start, end, draw(st.binary(max_size=8))) for start, end in pairs]


@given(edited())
def test_bytes_outside_edits_are_kept_in_order(case: tuple[bytes, list[Edit]]) -> None:
    data, edits = case
    after = apply(data, edits)
    at = 0
    old = 0
    for edit in sorted(edits):
        kept = data[old : edit.start]
        assert after[at : at + len(kept)] == kept
        at += len(kept)
        assert after[at : at + len(edit.text)] == edit.text
        at += len(edit.text)
        old = edit.end
    assert after[at:] == data[old:]


@given(edited().filter(lambda case: case[1]))
def test_one_edit_does_what_several_do(case: tuple[bytes, list[Edit]]) -> None:
    data, edits = case
    assert apply(data, [spanning(data, edits)]) == apply(data, edits)


@given(edited().filter(lambda case: case[1]))
def test_trimming_changes_the_span_and_not_the_result(case: tuple[bytes, list[Edit]]) -> None:
    data, edits = case
    edit = spanning(data, edits)
    core = trimmed(data, edit)
    assert apply(data, [core]) == apply(data, [edit])
    assert edit.start <= core.start <= core.end <= edit.end


@pytest.mark.parametrize(
    "edits", [[Edit(0, 3, b""), Edit(2, 4, b"")], [Edit(2, 1, b"")], [Edit(0, 9, b"")], [Edit(-1, 1, b"")]]
)
def test_edits_that_cannot_be_made_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlaps another or leaves"):
        apply(b"abcd", edits)
