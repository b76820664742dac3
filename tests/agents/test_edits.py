"""Search and replace: what it does to any text, and what it refuses."""

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.edits import EditRefused, replace
from agents.syntax import broken

CODE = """\
class A:
    def f(self, x):
        if x:
            return 1
        return 2

    def g(self):
        return 1
"""

lines = st.lists(st.text("ab() =\t", max_size=8), min_size=1, max_size=12)


@given(lines, st.data())
def test_an_exact_place_is_replaced_and_nothing_else(rows: list[str], data: st.DataObject) -> None:
    text = "\n".join(rows)
    start = data.draw(st.integers(0, len(text)))
    search = text[start : data.draw(st.integers(start, len(text)))]
    assume(search.strip() and text.find(search) == start and text.find(search, start + 1) < 0)
    new = data.draw(st.text("xyz ", max_size=10))
    assert replace(text, search, new).text == text[:start] + new + text[start + len(search) :]


@given(lines, st.text("ab() =\n\t", max_size=20), st.text("xy\n ", max_size=10))
def test_any_edit_is_made_or_refused_and_a_made_one_changes_the_text(rows: list[str], search: str, new: str) -> None:
    text = "\n".join(rows)
    try:
        edited = replace(text, search, new)
    except EditRefused:
        return
    assert edited.text != text


@given(lines, st.integers(0, 3), st.data())
def test_a_search_indented_otherwise_finds_its_place(rows: list[str], depth: int, data: st.DataObject) -> None:
    """The model quotes a block without its outer indentation; the new block gets it back."""
    assume(all(row.strip() for row in rows))
    block = [row.rstrip() + f"#{number}" for number, row in enumerate(rows)]
    outer = "    " * depth
    text = "\n".join(["first", *(outer + row for row in block), "last", ""])
    edited = replace(text, "\n".join(block), "\n".join(["new", *block]))
    assert edited.text == "\n".join(["first", *(outer + row for row in ["new", *block]), "last", ""])


def test_white_space_at_line_ends_is_overlooked() -> None:
    edited = replace("a  \n\tb \nc\n", "a\n\tb\n", "x\n")
    assert edited.text == "x\nc\n"
    assert "white space" in edited.how


def test_new_lines_are_indented_as_the_old_ones_were() -> None:
    edited = replace(CODE, "if x:\n    return 1\nreturn 2", "if x > 0:\n    return 1\nelse:\n    return 3")
    wanted = "        if x > 0:\n            return 1\n        else:\n            return 3\n"
    assert wanted in edited.text
    assert (edited.line, edited.how) == (3, "the search text differed in indentation")


def test_indentation_that_differs_from_line_to_line_is_another_structure() -> None:
    with pytest.raises(EditRefused):
        replace(CODE, "if x:\nreturn 1\nreturn 2", "pass")


def test_several_places_are_named() -> None:
    with pytest.raises(EditRefused, match=r"2 places \(lines 4, 8\)"):
        replace(CODE, "return 1", "return 0")


def test_a_place_that_overlaps_itself_is_several() -> None:
    with pytest.raises(EditRefused, match="2 places"):
        replace("a\na\na\n", "a\na\n", "b\n")


def test_a_refusal_shows_the_nearest_text_with_its_lines() -> None:
    with pytest.raises(EditRefused) as caught:
        replace(CODE, "        if x is not None:\n            return 1\n", "pass")
    assert "lines 3 to 4" in str(caught.value)
    assert "if x:\n            return 1" in str(caught.value)


def test_what_is_like_nothing_shows_nothing() -> None:
    with pytest.raises(EditRefused, match="nor anything like it"):
        replace(CODE, "SELECT * FROM zoo WHERE q = 17;", "")


@pytest.mark.parametrize("search", ["", "   \n"])
def test_an_empty_search_is_refused(search: str) -> None:
    with pytest.raises(EditRefused, match="empty"):
        replace(CODE, search, "x")


def test_the_file_keeps_its_line_ends() -> None:
    assert replace("a\r\nb\r\nc\r\n", "a\nb\n", "x\ny\n").text == "x\r\ny\r\nc\r\n"


def test_a_search_that_fails_in_a_large_file_is_still_quick() -> None:
    text = "\n".join(f"    value_{number} = compute({number}, other)" for number in range(20_000))
    started = time.process_time()
    with pytest.raises(EditRefused, match="nearest"):
        replace(text, "\n".join(f"    value_{number} = computed({number})" for number in range(30)), "")
    assert time.process_time() - started < 5


# -- syntax -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "before", "after", "line"),
    [
        ("a.py", b"x = 1\n", b"x = (1\n", "line 1"),
        ("a.py", b"def f():\n    pass\n", b"def f()\n    pass\n", "line 1"),
        ("a.js", b"f();\n", b"g();\nf(;\n", "line 2"),
        ("a.go", b"package a\n", b"package a\nfunc f( {\n", "line 2"),
    ],
)
def test_broken_syntax_names_its_line(path: str, before: bytes, after: bytes, line: str) -> None:
    assert broken(path, before, after).startswith(line)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a.py", b"x = 1\n", b"x = 2\n"),
        ("a.py", b"x = (1\n", b"x = (2\n"),  # was broken before
        ("a.py", b"", b"print 'old'\n"),
        ("a.txt", b"", b"((("),
        ("a.unknown", b"", b"((("),
    ],
)
def test_what_is_no_worse_than_before_is_accepted(path: str, before: bytes, after: bytes) -> None:
    assert broken(path, before, after) == ""
