"""Tests that come with an issue."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.api import BadInput
from tasks.showing import blocks, holds_test, showing_tests
from tasks.task import Issue, TestFile

TREE = frozenset(("src/a.py", "tests/test_a.py", "tests/conftest.py"))
TEST = "def test_sum():\n    assert 1 + 1 == 2\n"


def found(body: str, tree: frozenset[str] = TREE) -> list[str]:
    return [test.path for test in showing_tests(Issue("Sum", body), tree)]


def fenced(code: str, opening: str = "```python") -> str:
    return f"It fails:\n\n{opening}\n{code}```\n\nas you see."


class TestWhereItStands:
    def test_a_path_in_the_first_line(self) -> None:
        code = f"# tests/test_sum.py\n{TEST}"
        assert showing_tests(Issue("Sum", fenced(code)), TREE) == (
            TestFile("tests/test_sum.py", code.encode(), "issue"),
        )

    @pytest.mark.parametrize(
        "comment", ["# file: tests/new/test_x.py", "#tests/new/test_x.py ", "# ./tests/new/test_x.py"]
    )
    def test_ways_to_write_it(self, comment: str) -> None:
        assert found(fenced(f"{comment}\n{TEST}")) == ["tests/new/test_x.py"]

    @pytest.mark.parametrize(
        ("tree", "path"),
        [
            (TREE, "tests/test_issue.py"),
            (frozenset(("test/x.py",)), "test/test_issue.py"),
            (frozenset(("a.py",)), "test_issue.py"),
            (frozenset(("tests/test_issue.py",)), "tests/test_issue2.py"),
        ],
    )
    def test_no_path(self, tree: frozenset[str], path: str) -> None:
        assert found(fenced(TEST), tree) == [path]

    def test_two_blocks_are_two_files(self) -> None:
        assert found(fenced(TEST) + fenced(TEST)) == ["tests/test_issue.py", "tests/test_issue2.py"]


class TestWhatIsOne:
    def test_classes_and_coroutines(self) -> None:
        assert holds_test("import unittest\nclass T(unittest.TestCase):\n    def test_x(self): pass\n")
        assert holds_test("async def test_x(): pass\n")

    @pytest.mark.parametrize(
        "code",
        [
            "print(1)\n",
            ">>> def test_x(): pass\n",
            "def test_x(:\n",
            "def f():\n    def test_x(): pass\n",
            "x = 'def test_'\n",
        ],
    )
    def test_what_is_not(self, code: str) -> None:
        assert found(fenced(code)) == []

    def test_nonsense_ends_quietly(self) -> None:
        assert not holds_test("(" * 100_000)
        assert not holds_test("def test_x():\n    x = '\\d'\n\0")
        assert holds_test("def test_x():\n    x = '\\d'\n")

    @pytest.mark.parametrize("opening", ["```", "```text", "```js", "``python", "`python`"])
    def test_other_fences(self, opening: str) -> None:
        assert found(fenced(TEST, opening)) == []

    def test_fences_as_people_write_them(self) -> None:
        assert found(fenced(TEST, "```Python title=x")) == ["tests/test_issue.py"]
        assert found(f"~~~py\n{TEST}~~~") == ["tests/test_issue.py"]
        assert list(blocks("1. so:\n   ```python\n   x = 1\n       y\n   ```\n")) == ["x = 1\n    y\n"]
        assert list(blocks("````python\n```\nx\n```\n````")) == ["```\nx\n```\n"]

    def test_an_open_end(self) -> None:
        assert found(f"```python\n{TEST}") == []

    def test_only_the_body_counts(self) -> None:
        """A comment may be anybody's."""
        assert showing_tests(Issue("Sum", "no test here"), TREE) == ()


class TestRefused:
    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("../test_x.py", "does not stay within"),
            ("/tmp/test_x.py", "does not stay within"),
            ("a\\test_x.py", "does not stay within"),
            (".git/hooks/test_x.py", "does not stay within"),
            ("tests/test_a.py", "is already taken"),
            ("Tests/TEST_A.py", "is not named as a test file"),
            ("Tests/test_a.py", "is already taken"),
            ("src/a.py/test_x.py", "is already taken"),
            ("conftest.py", "is not named as a test file"),
            ("pytest.py", "is not named as a test file"),
        ],
    )
    def test_a_path(self, path: str, reason: str) -> None:
        with pytest.raises(BadInput, match=reason):
            found(fenced(f"# {path}\n{TEST}"))

    def test_the_same_path_twice(self) -> None:
        with pytest.raises(BadInput, match="is already taken"):
            found(fenced(f"# tests/test_b.py\n{TEST}") * 2)

    def test_a_path_without_a_test_is_not_looked_at(self) -> None:
        assert found(fenced("# ../../etc/x.py\nprint(1)\n")) == []


@given(st.lists(st.sampled_from(["```python", "```", "~~~", "  ```py", "x = 1", "", "`" * 9, "```a`b"])).map("\n".join))
def test_any_text_has_its_blocks(text: str) -> None:
    lines = {line.strip() for line in text.split("\n")}
    for block in blocks(text):
        assert {line.strip() for line in block.split("\n")} <= lines | {""}


@pytest.mark.parametrize("text", ["```a\n" * 200_000, "```" + "a" * 1_000_000 + "`", "`" * 1_000_000, " " * 1_000_000])
def test_hostile_text_takes_no_time(text: str) -> None:
    started = time.process_time()
    assert list(blocks(text)) == []
    assert time.process_time() - started < 2
