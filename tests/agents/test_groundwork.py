"""What is found out before anybody works, where the harness has not run the base."""

from dataclasses import replace
from pathlib import Path

import pytest
from model_server import ModelServer, Say
from team_site import ACCEPT, DONE, MEND, SHOP, TEST, World, by_role, role_of, solver, typed

from agents.neighbours import like_tests, neighbours
from sandbox.testlog import TestReport
from tasks.solvers import Site

OLD = "from shop.price import total\n\n\ndef test_old():\n    assert total([]) is None\n"
FAR = "def test_far():\n    assert False\n"


def unknown(world: World) -> Site:
    """A site whose base nobody ran."""
    return replace(world.site(), baseline=TestReport("pytest", 0, 0.0, problem="not run"))


@pytest.mark.slow
def test_what_fails_near_the_likely_code_is_known_before_anybody_works(tmp_path: Path) -> None:
    world = World(tmp_path, files={**SHOP, "tests/test_old_price.py": OLD, "tests/test_far.py": FAR})
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), unknown(world))
    opening = server.requests[0]["messages"][1]["content"]
    assert "tests/test_old_price.py::test_old" in opening
    assert "not your concern" in opening
    assert "test_far" not in opening
    review = next(r["messages"][1]["content"] for r in server.requests if role_of(r) == "reviewer")
    assert "1 others fail as they did before any edit" in review
    assert attempt.ended == "patched"


def test_a_failing_test_that_nobody_ran_before_is_run_on_the_base(tmp_path: Path) -> None:
    world = World(tmp_path, files={**SHOP, "tests/test_far.py": FAR})
    script = by_role(
        tester=[typed(TEST)],
        coder=[Say(calls=[("test", {"tests": ["tests/test_far.py"]})]), Say(calls=[MEND, DONE])],
        reviewer=[typed(ACCEPT)],
    )
    with ModelServer(script) as server:
        solver(server.url, tmp_path / "kept").solve(world.task(), unknown(world))
    told = next(m["content"] for m in server.requests[2]["messages"] if m["role"] == "tool")
    assert "failed before any edit too: tests/test_far.py::test_far" in told


def test_a_test_that_fails_by_chance_is_no_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_RUNS", "0")
    second = "import os\n\n\ndef test_chance():\n    runs = int(os.environ['SHOP_RUNS'])\n"
    second += "    os.environ['SHOP_RUNS'] = str(runs + 1)\n    assert runs != 1\n"
    world = World(tmp_path, files={**SHOP, "tests/test_chance.py": second})
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert attempt.ended == "patched"
    assert "of which 0 fail now" in server.requests[2]["messages"][1]["content"]


@pytest.mark.slow
def test_tests_that_have_other_names_alone_than_on_the_base_are_no_regression(tmp_path: Path) -> None:
    nested = {
        "pytest.ini": "[pytest]\n",
        "docs/pytest.ini": "[pytest]\n",
        "docs/test_page.py": "def test_page():\n    pass\n",
    }
    world = World(tmp_path, files={**SHOP, **nested}, real=True)
    site = replace(world.site(), selection=("docs/test_page.py", "tests/test_label.py"))
    assert "docs/test_page.py::test_page" in site.baseline.cases
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), site)
    assert attempt.ended == "patched"
    assert "Tests that passed before any edit: 2, of which 0 fail now" in server.requests[2]["messages"][1]["content"]


def test_a_test_added_to_a_file_is_shown_alone_with_what_it_said_and_old_failures_of_the_file_show_nothing(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, files={**SHOP, "tests/test_far.py": FAR})
    added = {"path": "tests/test_far.py", "code": TEST["code"]}
    script = by_role(tester=[typed(added)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), unknown(world))
    shown = server.requests[1]["messages"][1]["content"].partition("# Tests that show the issue")[2]
    assert "They fail now: tests/test_far.py::test_all_prices_count\n" in shown
    assert "tests/test_far.py, at its end:" in shown
    assert "def test_all_prices_count" in shown
    assert "def test_far" not in shown
    assert "AssertionError" in shown
    assert attempt.ended == "patched"


@pytest.mark.parametrize(
    ("source", "nearest"),
    [
        ("shop/price.py", "tests/test_price.py"),  # by its name
        ("shop/_label.py", "tests/test_shop_label.py"),
        ("shop/store.py", "tests/test_other.py"),  # by an import
        ("shop/word/__init__.py", "tests/test_word.py"),
        ("shop/misc.py", "tests/unittest_misc.py"),
    ],
)
def test_a_test_file_belongs_to_a_source(tmp_path: Path, source: str, nearest: str) -> None:
    files = {
        "tests/test_price.py": "",
        "tests/test_shop_label.py": "",
        "tests/test_other.py": "from shop.store import keep\n",
        "tests/test_word.py": "# the store\n",
        "tests/unittest_misc.py": "",
        "build/node_modules/test_price.py": "",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = like_tests(tmp_path)
    assert "build/node_modules/test_price.py" not in found
    assert neighbours(tmp_path, found, [source], 3)[0] == nearest
