import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.telling import MOST, telling

PIP = """\
      SyntaxError: '(' was never closed
      [end of output]

note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed

hint: See above for details.
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (PIP, "SyntaxError: '(' was never closed"),
        ("ERROR: No matching distribution\nnote: x", "ERROR: No matching distribution"),
        ("Traceback\n  in f\npkg.errors.BuildError: no\nbye\n", "pkg.errors.BuildError: no"),
        ("collected 0 items / 1 error\n\n", "collected 0 items / 1 error"),
        ("ERROR: usage: x\npython -m x: error: unrecognized\n  inifile: y", "python -m x: error: unrecognized"),
        ("one\ntwo\n\n", "two"),
        ("===== no tests ran in 0.05s =====\n=====\n", "no tests ran in 0.05s"),
        ("", "it printed nothing"),
    ],
)
def test_the_line_that_says_why(text: str, line: str) -> None:
    assert telling(text) == line


@given(st.text())
def test_it_is_one_line_whatever_was_printed(text: str) -> None:
    found = telling(text)
    assert 0 < len(found) <= MOST
    assert len(found.splitlines()) == 1
