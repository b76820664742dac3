"""The half that runs inside a sandbox: given edits are tried on live functions, or by a fresh import."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from repair_search import image, passing, request, rows_of, searched

from agents.repair.observed import Differ, Pair, Progress
from sandbox.api import Sandbox
from sandbox.local import LocalSandbox

KINDS = """\
import contextlib
import functools

CONSTANT = 1


def doubled(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) * 3
    return wrapper


@doubled
def decorated(x):
    return x


class Base:
    def __secret(self):
        return 1

    def value(self):
        return self.__secret()


class Child(Base):
    factor = 5

    @property
    def scaled(self):
        return super().value() * 2

    @staticmethod
    def default(x=7):
        return x


def counter():
    def count(n):
        while n > 0:
            yield n
            n -= 2
    return count


counting = counter()


@contextlib.contextmanager
def managed():
    yield "wrong"


@functools.lru_cache(maxsize=None)
def cached(x):
    return x + 2


async def awaited():
    return 1


def constant():
    return CONSTANT
"""

KIND_TESTS = """\
import unittest

import pytest

import m


def test_decorated():
    assert m.decorated(2) == 4


class TestChild(unittest.TestCase):
    def test_value(self):
        self.assertEqual(m.Child().value(), 2)

    def test_scaled(self):
        assert m.Child().scaled == 3


def test_factor():
    assert m.Child.factor == 6


def test_default():
    assert m.Child.default() == 8


def test_generator():
    assert list(m.counting(3)) == [3, 2, 1]


def test_managed():
    with m.managed() as value:
        assert value == "right"


@pytest.fixture
def result():
    return m.cached(1)


def test_cached(result):
    assert result == 2


def test_awaited():
    with pytest.raises(StopIteration) as ended:
        m.awaited().send(None)
    assert ended.value.value == 2


def test_constant():
    assert m.constant() == 2


@pytest.mark.parametrize("items", [[1, 2]])
def test_items(items):
    items.append(m.constant())
    assert items == [1, 2, 2]
"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with LocalSandbox(image(tmp_path_factory.mktemp("kinds"), {"m.py": KINDS, "test_m.py": KIND_TESTS})) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("test", "wrong", "right"),
    [
        ("test_decorated", ("(*args) * 3", "(*args) * 4"), ("(*args) * 3", "(*args) * 2")),
        ("TestChild::test_value", ("return 1\n", "return 3\n"), ("return 1\n", "return 2\n")),
        ("TestChild::test_scaled", ("value() * 2", "value() - 2"), ("value() * 2", "value() + 2")),
        ("test_factor", ("factor = 5", "factor = 4"), ("factor = 5", "factor = 6")),
        ("test_default", ("x=7", "x=6"), ("x=7", "x=8")),
        ("test_generator", ("n -= 2", "n -= 0"), ("n -= 2", "n -= 1")),
        ("test_managed", ("wrong", "wronger"), ("wrong", "right")),
        ("test_cached", ("x + 2", "x + 3"), ("x + 2", "x + 1")),
        (
            "test_awaited",
            ("awaited():\n    return 1", "awaited():\n    return 3"),
            ("awaited():\n    return 1", "awaited():\n    return 2"),
        ),
        ("test_constant", ("CONSTANT = 1", "CONSTANT = 3"), ("CONSTANT = 1", "CONSTANT = 2")),
        ("test_items[items0]", ("return CONSTANT", "return 7"), ("return CONSTANT", "return CONSTANT + 1")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.slow
def test_an_edit_is_seen_wherever_it_is(
    kinds: Sandbox, test: str, wrong: tuple[str, str], right: tuple[str, str]
) -> None:
    found, last = searched(kinds, KINDS, [wrong, right, wrong], request(test))
    assert found == [1]
    assert last.tried == 3


HOSTILE = """\
import os
import threading
import time


def answer():
    value = 41
    return value
"""

HOSTILE_TESTS = """\
import os

import m

STATE = []


def test_answer():
    assert m.answer() == 42 and not STATE


def test_here():
    assert os.path.exists("m.py")
"""

ATTACKS = [
    "os._exit(0)",
    "os.kill(os.getpid(), 9)",
    "os.kill(os.getppid(), 0) or 1",
    "[1 for _ in iter(int, 1)]",
    "sum(iter(int, 1))",
    "bytearray(1 << 36)",
    "[print('x' * 10**6) for _ in range(50)]",
    "os.chdir('/') or 42",
    "threading.Thread(target=time.sleep, args=(60,)).start() or 1",
    "__import__('test_m').STATE.append(1) or 42",
    "__import__('sys').exit(0)",
    "(",
]


@pytest.mark.slow
def test_candidates_that_do_harm_do_not_hide_the_right_one(tmp_path: Path) -> None:
    """Each attack is a candidate of its own; the right one stands behind them all, and in their company."""
    edits = [("41", attack) for attack in ATTACKS]
    found, last = passing(
        tmp_path, HOSTILE, HOSTILE_TESTS, [*edits, ("41", "42")], request("test_answer", guard=["test_m.py::test_here"])
    )
    assert found == [len(edits)]
    assert last.invalid == 1


def test_a_candidate_that_only_the_showing_test_likes_has_regressed(tmp_path: Path) -> None:
    module = "def f(x):\n    return x\n"
    tests = "import m\n\ndef test_a():\n    assert m.f(1) == 2\n\ndef test_b():\n    assert m.f(0) == 0\n"
    found, last = passing(
        tmp_path,
        module,
        tests,
        [("return x", "return 2"), ("return x", "return x + 1"), ("return x", "return x * 2")],
        request("test_a", guard=["test_m.py::test_b"]),
    )
    assert found == [2]
    assert last.regressed == 2


def test_what_breaks_a_test_that_never_ran_the_function_is_not_plausible(tmp_path: Path) -> None:
    """`test_b` has nothing to do with `f`, so it is left out of the first look at a candidate."""
    module = "SEEN = []\n\n\ndef f(x):\n    return x\n"
    tests = "import m\n\ndef test_a():\n    assert m.f(1) == 2\n\ndef test_b():\n    assert not m.SEEN\n"
    found, last = passing(
        tmp_path,
        module,
        tests,
        [("return x", "return SEEN.append(x) or 2"), ("return x", "return x + 1")],
        request("test_a", guard=["test_m.py::test_b"]),
    )
    assert found == [1]
    assert last.regressed == 1


@pytest.mark.slow
def test_plausible_patches_are_asked_what_the_tests_did_not_ask(tmp_path: Path) -> None:
    """`x * 2`, `x + x` and `x + 2` all make 4 of 2; only the last makes 5 of 3."""
    module = "def double(x):\n    return x\n"
    tests = "import m\n\n\ndef test_double():\n    assert m.double(2) == 4\n"
    edits = [("return x", "return x * 2"), ("return x", "return x + 2"), ("return x", "return x + x")]
    with LocalSandbox(image(tmp_path, {"m.py": module, "test_m.py": tests})) as sandbox:
        rows = rows_of(sandbox, module, edits, request("test_double"))
    (differ,) = [row for row in rows if isinstance(row, Differ)]
    assert sorted(map(sorted, differ.groups)) == [[0, 2], [1]]
    assert differ.call == "double(3)"


@pytest.mark.slow
@pytest.mark.parametrize(("first", "pairs"), [("a + b", [(0, 1)]), ("b - a", [])])
def test_two_edits_are_tried_at_once_where_the_first_brings_a_test_further(
    tmp_path: Path, first: str, pairs: list[tuple[int, int]]
) -> None:
    module = "def f(a, b):\n    one = a - b\n    two = a / b\n    return one, two\n"
    tests = "import m\n\n\ndef test_f():\n    assert m.f(2, 3)[0] == 5\n    assert m.f(2, 3)[1] == 6\n"
    edits = [("a - b", first), ("a / b", "a * b"), ("a / b", "b / a")]
    with LocalSandbox(image(tmp_path, {"m.py": module, "test_m.py": tests})) as sandbox:
        rows = rows_of(sandbox, module, edits, request("test_f"))
    assert [row.of for row in rows if isinstance(row, Pair)] == pairs
    *_, last = (row for row in rows if isinstance(row, Progress))
    assert last.tried == (5 if pairs else 3)
    assert last.plausible == len(pairs)
