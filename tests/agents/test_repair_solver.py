"""`RepairSolver` as `solve run` calls it: a site in, an attempt out."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.repair.solver import RepairSolver
from sandbox.api import Image
from sandbox.local import LocalSandbox
from sandbox.testrun import run_tests
from tasks.event import Event
from tasks.limits import Allowance, Budget
from tasks.solvers import Site
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Verdict

COMMAND = "python -m pytest"

SHOP = '''\
"""A shop."""


class Basket:
    def __init__(self, prices):
        self.prices = prices

    def total(self, discount=0):
        total = 0
        for price in self.prices:
            total = price  # each counts
        return total - discount


def cheapest(baskets):
    return min(baskets, key=lambda basket: basket.total())
'''

SHOP_TESTS = """\
import pytest

from shop.basket import Basket, cheapest


@pytest.fixture
def basket():
    return Basket([1, 2, 3])


def test_total(basket):
    assert basket.total() == 6


@pytest.mark.parametrize("discount", [0, 1])
def test_discount(discount):
    assert Basket([5]).total(discount) == 5 - discount


def test_cheapest():
    assert cheapest([Basket([9]), Basket([4])]).prices == [4]
"""


@dataclass
class World:
    """A repository on disk and what the solver did with it."""

    folder: Path
    files: Mapping[str, str]
    made: dict[bytes, dict[str, bytes | None]] = field(default_factory=dict)  # by patch
    changed: dict[str, bytes | None] = field(default_factory=dict)  # by the patch that was delivered
    offered: list[bytes] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def solve(self, *showing: str, seconds: float = 60.0, command: str = COMMAND) -> Attempt:
        for name, text in self.files.items():
            path = self.folder / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.folder / "venv").symlink_to(sys.prefix)
        image = Image("local", str(self.folder), "", {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
        with LocalSandbox(image) as sandbox:
            baseline = run_tests(sandbox, COMMAND, timeout=60)
        site = Site(
            open=lambda: LocalSandbox(image),
            tree=self.folder / "tree",
            patch=self.patch,
            baseline=baseline,
            showing=showing,
            test_command=command,
            budget=Budget(Allowance(seconds=seconds)),
            tell=self.told.append,
            offer=self.offered.append,
            verdict=lambda attempt: Verdict("unreproduced", "not asked for"),
            folder=self.folder / "run",
        )
        attempt = RepairSolver().solve(Task("t", "r", "c", Issue("a bug", "")), site)
        self.changed = self.made.get(attempt.patch, {})
        return attempt

    def patch(self, files: Mapping[str, bytes | None]) -> bytes:
        name = f"patch {len(self.made) + 1}".encode()
        self.made[name] = dict(files)
        return name

    def record(self) -> dict[str, object]:
        record: dict[str, object] = json.loads((self.folder / "run" / "repair.json").read_text())
        return record


@pytest.mark.slow
def test_a_bug_with_a_failing_test_is_patched(tmp_path: Path) -> None:
    world = World(tmp_path, {"shop/__init__.py": "", "shop/basket.py": SHOP, "tests/test_basket.py": SHOP_TESTS})
    attempt = world.solve("tests/test_basket.py::test_total")
    assert attempt.ended == "patched"
    assert attempt.patch == b"patch 1"
    assert set(attempt.others) == world.made.keys() - {attempt.patch}
    assert attempt.reason.startswith("passes the tests; ")
    assert "correct" not in attempt.reason
    assert list(world.changed) == ["shop/basket.py"]
    assert world.changed["shop/basket.py"] == SHOP.replace("total = price ", "total += price ").encode()
    assert world.offered == [b"patch 1"]
    assert "+            total += price  # each counts" in json.dumps(world.record()["plausible"])


def test_without_a_failing_test_it_says_what_it_needs(tmp_path: Path) -> None:
    world = World(tmp_path, {"test_a.py": "def test_a():\n    pass\n"})
    attempt = world.solve()
    assert attempt.ended == "gave_up"
    assert attempt.patch == b""
    assert "needs a test that fails" in attempt.reason
    assert "\n" not in attempt.reason


def test_a_suite_of_another_language_is_not_tried(tmp_path: Path) -> None:
    world = World(tmp_path, {"test_a.py": "def test_a():\n    pass\n"})
    attempt = world.solve("TestOne (x.y/a)", command="go test -json ./...")
    assert (attempt.ended, attempt.patch) == ("gave_up", b"")
    assert "choose a model" in attempt.reason
    assert not world.told


@pytest.mark.slow
def test_a_bug_beyond_single_edits_ends_honestly(tmp_path: Path) -> None:
    module = "def parse(text):\n    return None\n"
    tests = "from m import parse\n\ndef test_parse():\n    assert parse('1+2*3') == ('+', 1, ('*', 2, 3))\n"
    world = World(tmp_path, {"m.py": module, "test_m.py": tests})
    attempt = world.solve("test_m.py::test_parse")
    assert attempt.ended == "gave_up"
    assert attempt.reason.startswith("no small edit passes the tests: ")
    assert world.changed == {}
    assert world.record()["plausible"] == []


@pytest.mark.parametrize(
    ("files", "showing", "reason"),
    [
        (
            {"m.py": "x = (\n", "test_m.py": "import m\n\ndef test_a():\n    assert m.x\n"},
            "test_m.py::test_a",
            "cannot be run one by one: ",
        ),
        ({"test_m.py": "def test_a():\n    pass\n"}, "test_m.py::test_a", "pass when they are run alone"),
        ({"test_m.py": "def test_a():\n    assert 0\n"}, "test_m.py::test_a", "run no line of the repository"),
    ],
    ids=["not collected", "passes alone", "nothing to edit"],
)
@pytest.mark.slow
def test_what_it_cannot_work_with_is_said_in_a_line(
    tmp_path: Path, files: dict[str, str], showing: str, reason: str
) -> None:
    attempt = World(tmp_path, files).solve(showing)
    assert attempt.ended == "gave_up"
    assert reason in attempt.reason
    assert "\n" not in attempt.reason


def test_a_command_that_is_no_pytest_is_named(tmp_path: Path) -> None:
    world = World(tmp_path, {"test_m.py": "def test_a():\n    assert 0\n"})
    attempt = world.solve("test_m.py::test_a", command="python -m unittest")
    assert "`python -m unittest` did not run as a pytest" in attempt.reason


@pytest.mark.slow
def test_what_breaks_another_file_of_the_scope_is_not_delivered(tmp_path: Path) -> None:
    module = "def double(x):\n    return x\n"
    world = World(
        tmp_path,
        {
            "m.py": module,
            "test_m.py": "from m import double\n\ndef test_double():\n    assert double(2) == 4\n",
            "test_other.py": "from m import double\n\ndef test_it():\n    assert double(5) in (5, 10)\n",
        },
    )
    attempt = world.solve("test_m.py::test_double")
    assert attempt.ended == "patched"
    assert world.changed["m.py"] in (b"def double(x):\n    return x * 2\n", b"def double(x):\n    return x + x\n")


@pytest.mark.slow
def test_it_says_where_the_patches_that_pass_disagree(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        {
            "m.py": "def double(x):\n    return x\n",
            "test_m.py": "from m import double\n\ndef test_double():\n    assert double(2) == 4\n",
        },
    )
    attempt = world.solve("test_m.py::test_double")
    assert re.search(r"; [1-9] of [1-9] that were compared disagree with it on double\(-?\d+\)$", attempt.reason)
