"""Tests that are made of what an issue says its example should give; run here as pytest would run them."""

import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.example import Example, example_tests, examples
from tasks.task import Issue

WRONG = "def area(w, h):\n    return w + h\n"
RIGHT = "def area(w, h):\n    return w * h\n"
TREE = frozenset(("shapes.py", "tests/test_a.py"))


def outcome(body: str, code: str) -> str:
    """What the one test that is made of an issue says of some code, which its session finds as `area`."""
    (test,) = example_tests(Issue("t", body), TREE)
    module = types.ModuleType("made")
    exec(compile(test.content, test.path, "exec"), module.__dict__)
    shapes = types.ModuleType("shapes")
    exec(code, shapes.__dict__)
    session = module.SESSION
    module.SESSION = session.replace("from shapes import area", "area = __import__('tests_shapes').area")
    sys.modules["tests_shapes"] = shapes
    try:
        module.test_example()
    except AssertionError:
        return "failed"
    except pytest.skip.Exception:
        return "skipped"
    finally:
        del sys.modules["tests_shapes"]
    return "passed"


USE = "from shapes import area\n"
SESSION = f">>> {USE}>>> area(2, 3)\n"
SAYS = {
    "a literal after a session": f"```\n{SESSION}5\n```\n\nExpected: 6\n",
    "without a fence": "It says\n\n    >>> from shapes import area\n    >>> area(2, 3)\n    5\n\nbut should be `6`.\n",
    "a block of its own": (
        f"```python\n{USE}print(area(2, 3))\n```\n\nActual:\n```\n5\n```\n\nExpected output:\n```\n6\n```\n"
    ),
    "a comment": f"```python\n{USE}area(2, 3)  # gives 5, expected 6\n```\n",
    "an assertion": f"```python\n{USE}assert area(2, 3) == 6\n```\n",
    "a session that is announced": f"Expected behaviour:\n```pycon\n{SESSION}6\n```\n",
    "prose with what came": f"```\n{SESSION}5\n```\nit should return 6, but gives 5.\n",
}


@pytest.mark.parametrize("body", SAYS.values(), ids=SAYS)
def test_what_should_be_is_what_the_test_asks_for(body: str) -> None:
    assert outcome(body, WRONG) == "failed"
    assert outcome(body, RIGHT) == "passed"


CRASH = """\
```python
from shapes import area
area([1], 2)
```

```
Traceback (most recent call last):
  File "x.py", line 2, in <module>
TypeError: can only concatenate list (not "int") to list
```
"""


def test_what_is_reported_to_raise_must_not() -> None:
    assert outcome(CRASH, WRONG) == "failed"
    assert outcome(CRASH, RIGHT) == "passed"


def test_what_fails_for_another_reason_shows_nothing() -> None:
    assert outcome(CRASH, "def area(w, h):\n    return undefined\n") == "skipped"
    assert outcome("```\n>>> forgotten(2)\n1\n```\nExpected: 2\n", WRONG) == "skipped"


@pytest.mark.parametrize(
    "body",
    [
        "It is slow.",
        "```python\nfrom shapes import area\narea(2, 3)\n```\nThis is wrong.",
        "```\n>>> area(2, 3)\n5\n```\nI expected something else.",
        "```\n$ pip install shapes\n```\nExpected: it works",
        "```python\nif broken\n```\nExpected: 5",
        "```\n>>>area(2)\n```\nExpected: 5",
    ],
)
def test_where_nothing_says_what_should_be_there_is_no_test(body: str) -> None:
    assert example_tests(Issue("t", body), TREE) == ()


def test_a_session_keeps_its_statements() -> None:
    code = "@cache\ndef f(x):\n    return x\n\n\nf(2)  # expected 3\n"
    assert list(examples(f"```python\n{code}```\n")) == [
        Example(">>> @cache\n... def f(x):\n...     return x\n>>> f(2)  # expected 3\n3\n")
    ]


def test_names_are_free_and_several_examples_are_several_files() -> None:
    body = SAYS["a comment"] + SAYS["an assertion"]
    assert [test.path for test in example_tests(Issue("t", body), {"tests/test_issue.py"})] == [
        "tests/test_issue2.py",
        "tests/test_issue3.py",
    ]


PIECES = [">>> f(1)", "... x", "5", "```", "```python", "Expected: 5", "should be `[1, 2]`", "x = 1", "", "    >>> g()",
          "Traceback (most recent call last):", "ValueError: no", "assert f() == 2", "# expected 7"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("\n".join))
def test_any_issue_gives_programs_or_nothing(body: str) -> None:
    for test in example_tests(Issue("t", body), TREE):
        compile(test.content, test.path, "exec")
