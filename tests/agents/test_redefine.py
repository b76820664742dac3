"""Definitions written anew: what stays, what is replaced, what is refused."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.edits import EditRefused
from agents.redefine import home, redefine

FILE = """\
import os


@cached
def total(prices):
    return sum(prices[1:])


class Basket:
    # Rounded.
    def total_of(self):
        return 1

    def empty(self):
        return not self


LAST = total([])
"""


def test_a_function_is_replaced_and_keeps_its_decorator_and_all_around_it() -> None:
    code = "import sys\n\ndef total(prices):\n    # all of them\n    return sum(prices)\n\nprint(total([1]))\n"
    edited = redefine("a.py", FILE, code)
    assert edited.text == FILE.replace("return sum(prices[1:])", "# all of them\n    return sum(prices)")
    assert edited.line == 5


def test_a_method_is_found_by_its_name_and_indented() -> None:
    edited = redefine("a.py", FILE, "def empty(self):\n    if self:\n        return False\n    return True\n")
    assert (
        "    def empty(self):\n        if self:\n            return False\n        return True\n\n\nLAST" in edited.text
    )
    assert redefine("a.py", FILE, "    def total_of(self):\n        return 2\n").text == FILE.replace(
        "return 1", "return 2"
    )


def test_its_own_decorator_takes_the_place_of_the_old_one() -> None:
    assert "@cached" not in redefine("a.py", FILE, "@plain\ndef total(prices):\n    return 0\n").text


def test_other_languages_are_read_by_their_grammar() -> None:
    text = "// Adds.\nfunction add(a, b) {\n  return a - b;\n}\nexport default add;\n"
    done = redefine("a.js", text, "function add(a, b) {\n  return a + b;\n}")
    assert done.text == text.replace("a - b", "a + b")


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("a.py", "def other():\n    pass\n", "there are total, Basket, total_of, empty"),
        ("a.py", "no code at all", "nothing of this is defined"),
        ("a.py", "def empty(self):\n    return not self\n", "nothing would change"),
        ("a.txt", "def total(prices):\n    pass\n", "no definitions"),
    ],
)
def test_what_cannot_be_placed_is_refused(path: str, code: str, said: str) -> None:
    with pytest.raises(EditRefused, match=said):
        redefine(path, FILE, code)


def test_what_is_defined_twice_is_refused() -> None:
    with pytest.raises(EditRefused, match="several times"):
        redefine("a.py", "def f():\n    pass\n\n\ndef f():\n    pass\n", "def f():\n    return 1\n")


@given(st.integers(), st.sampled_from(["", "    ", "\t"]), st.sampled_from(["", "\n", "\n\n# text\n"]))
def test_the_file_still_parses_and_only_the_function_is_another(value: int, lead: str, after: str) -> None:
    code = f"{lead}def total(prices):\n{lead}    return {value}\n{after}"
    done = redefine("a.py", FILE, code).text
    assert ast.unparse(ast.parse(done)) == ast.unparse(ast.parse(FILE.replace("sum(prices[1:])", str(value))))


def test_code_without_a_path_goes_where_its_name_is_defined_once() -> None:
    homes = {"total": ["a.py"], "label": ["b.py", "c.py"]}
    assert home("def label(): ...\n\ndef total(): ...\n", lambda name: homes.get(name, [])) == "a.py"
    with pytest.raises(EditRefused, match=r"label: b.py, c.py; other: nowhere"):
        home("def label(): ...\nclass other: ...\n", lambda name: homes.get(name, []))
