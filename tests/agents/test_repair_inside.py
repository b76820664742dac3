"""The half that runs inside a sandbox: given edits are tried on live functions, or by a fresh import."""

import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from agents.repair.candidates import Proposal
from agents.repair.edits import Edit
from agents.repair.inner import CannotRun, Inner, Request
from agents.repair.observed import Differ, Frame, Head, Imported, Pair, Progress, Searched, Test
from agents.repair.source import parse
from agents.repair.suspicion import Line
from sandbox.api import Image, Sandbox
from sandbox.local import LocalSandbox

ENV = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def image(folder: Path, files: dict[str, str]) -> Image:
    for name, text in files.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "venv").symlink_to(sys.prefix)
    return Image("local", str(folder), "", ENV)


def request(*showing: str, guard: Sequence[str] = ()) -> Request:
    return Request(tuple(f"test_m.py::{name}" for name in showing), tuple(guard), {}, ("test_m.py",))


def passing(
    folder: Path, module: str, tests: str, edits: list[tuple[str, str]], asked: Request
) -> tuple[list[int], Progress]:
    """Which of the edits (old, new) of `m.py` are plausible, and the last counts."""
    with LocalSandbox(image(folder, {"m.py": module, "test_m.py": tests})) as sandbox:
        return searched(sandbox, module, edits, asked)


def searched(
    sandbox: Sandbox, module: str, edits: list[tuple[str, str]], asked: Request, early: Collection[Line] = ()
) -> tuple[list[int], Progress]:
    rows = rows_of(sandbox, module, edits, asked, early)
    progress = [row for row in rows if isinstance(row, Progress)]
    return sorted(row.id for row in progress if row.kind == "plausible"), progress[-1]


def rows_of(
    sandbox: Sandbox, module: str, edits: list[tuple[str, str]], asked: Request, early: Collection[Line] = ()
) -> list[Searched]:
    source = parse("m.py", module.encode())
    proposals = []
    for old, new in edits:
        start = module.encode().index(old.encode())
        proposals.append(Proposal("m.py", Edit(start, start + len(old.encode()), new.encode()), 1.0, "test", 1))
    with Inner(sandbox, "python -m pytest", asked, (10.0, 50.0)) as inner:
        inner.survey()
        return inner.search({"m.py": source}, proposals, early, [], 30.0, guard=asked.guard, durations=asked.durations)


def surveyed(sandbox: Sandbox, asked: Request, command: str = "python -m pytest") -> list[object]:
    with Inner(sandbox, command, asked, (20.0, 30.0)) as inner:
        return list(inner.survey())


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


@pytest.mark.slow
def test_an_endless_loop_is_watched_and_mended(tmp_path: Path) -> None:
    module = "def f(n):\n    count = 0\n    while n:\n        n = n // 2 + 1\n        count += 1\n    return count\n"
    tests = "import m\n\ndef test_f():\n    assert m.f(8) == 4\n"
    asked = request("test_f")
    with LocalSandbox(image(tmp_path / "one", {"m.py": module, "test_m.py": tests})) as sandbox:
        rows = surveyed(sandbox, asked)
    [test] = [row for row in rows if isinstance(row, Test)]
    assert test.status == "timeout"
    assert test.lines["m.py"] == [2, 3, 4, 5]
    assert any(isinstance(row, Frame) and row.variables.get("count") == ("int", {}) for row in rows)
    found, _ = passing(tmp_path / "two", module, tests, [("+ 1\n", "+ 2\n"), ("// 2 + 1", "// 2")], asked)
    assert found == [1]


def test_the_base_is_described_test_by_test(tmp_path: Path) -> None:
    module = "class Box:\n    def __init__(self, n):\n        self.n = n\n\n\ndef f(box):\n    return box.n\n"
    tests = (
        "import m\n\ndef test_a():\n    assert m.f(m.Box('x')) == 'y'\n\ndef test_b():\n    assert m.f(m.Box(2)) == 2\n"
    )
    with LocalSandbox(image(tmp_path, {"m.py": module, "test_m.py": tests})) as sandbox:
        rows = surveyed(sandbox, request("test_a", "test_gone", guard=["test_m.py::test_b"]))
    [head] = [row for row in rows if isinstance(row, Head)]
    assert head.missing == ["test_m.py::test_gone"]
    by_id = {row.id: row for row in rows if isinstance(row, Test)}
    assert {name: row.status for name, row in by_id.items()} == {
        "test_m.py::test_a": "failed",
        "test_m.py::test_b": "passed",
    }
    assert "'x' == 'y'" in by_id["test_m.py::test_a"].message
    assert by_id["test_m.py::test_b"].lines["m.py"] == [3, 7]
    frame = next(row for row in rows if isinstance(row, Frame) and row.name == "f")
    assert frame.variables == {"box": ("Box", {"n": "str"})}


def test_a_command_that_is_no_pytest_says_so(tmp_path: Path) -> None:
    with (
        LocalSandbox(image(tmp_path, {"m.py": "", "test_m.py": ""})) as sandbox,
        pytest.raises(CannotRun, match="did not run as a pytest"),
    ):
        surveyed(sandbox, request("test_a"), "python -m unittest")


def test_nothing_of_ours_is_left_in_the_tree(tmp_path: Path) -> None:
    with LocalSandbox(
        image(
            tmp_path,
            {"m.py": "def f():\n    return 1\n", "test_m.py": "import m\n\ndef test_f():\n    assert m.f() == 2\n"},
        )
    ) as sandbox:
        surveyed(sandbox, request("test_f"))
        left = {path.name for path in Path(sandbox.workdir).iterdir() if not path.name.startswith(".")}
    assert left == {"m.py", "test_m.py"}


def test_what_was_made_on_import_is_made_anew(tmp_path: Path) -> None:
    """Swapping the code of a function does not undo what it did before the swap."""
    module = "def made():\n    return 41\n\n\nANSWER = made()\n"
    tests = "import m\n\ndef test_answer():\n    assert m.ANSWER == 42 == m.made()\n"
    asked = request("test_answer")
    with LocalSandbox(image(tmp_path, {"m.py": module, "test_m.py": tests})) as sandbox:
        rows = surveyed(sandbox, asked)
        early = [("m.py", line) for row in rows if isinstance(row, Imported) for line in row.lines["m.py"]]
        found, _ = searched(sandbox, module, [("41", "43"), ("41", "42")], asked, [("m.py", 1)])
    assert ("m.py", 2) in early
    assert found == [1]


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
