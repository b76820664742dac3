"""Nothing of a row's answer or hints reaches a prompt, a tool's reply or a file that a solver can read."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from model_server import ModelServer, Say
from team_site import ACCEPT, DONE, MEND, SHOP, TEST, World, by_role, solver, typed

from agents.run.row_base import with_base
from tasks.harness import Harness, whole_names
from tasks.load import parse_row
from tasks.solvers import Site
from tasks.task import Task

SECRETS = ("SECRET_FIX", "SECRET_HINT", "SECRET_TEST", "secret_place")
ROW = {
    "instance_id": "org__shop-1",
    "repo": "org/shop",
    "base_commit": "a" * 40,
    "version": "1.0",
    "problem_statement": "total() forgets the first price\ntotal([1, 2, 3]) gives 5; test_label does not see it.",
    "hints_text": "SECRET_HINT: look at the slice",
    "patch": "--- a/shop/price.py\n+++ b/shop/price.py\n@@ -1 +1 @@\n-def total(prices):\n+def SECRET_FIX(prices):\n",
    "test_patch": "--- /dev/null\n+++ b/tests/secret_place.py\n@@ -0,0 +1 @@\n+SECRET_TEST = 1\n",
    "FAIL_TO_PASS": ["tests/secret_place.py::test_SECRET_TEST"],
    "PASS_TO_PASS": ["tests/test_label.py::test_is_text"],
}
LOOKS = [
    Say(calls=[("search", {"query": "secret hint answer"})]),
    Say(calls=[("run", {"command": "grep -rn SECRET . ; find . ; env"})]),
    Say(calls=[MEND, DONE]),
]


def texts(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        yield str(path)
        if path.is_file() and not path.is_symlink():
            yield path.read_bytes().decode("utf-8", "replace")


@pytest.fixture
def told(tmp_path: Path) -> tuple[Task, Site, World]:
    row = parse_row(ROW)
    world = World(tmp_path / "world", SHOP, row.task.issue, real=True)
    harness = Harness("python -m pytest -q", ("tests/secret_place.py",), whole_names, structured=True)
    task, site = with_base(row.task, replace(world.site(), selection=()), world.workspace, harness)
    return task, site, world


@pytest.mark.slow
def test_a_team_sees_nothing_of_the_answer(tmp_path: Path, told: tuple[Task, Site, World]) -> None:
    task, site, world = told
    script = by_role(tester=[typed(TEST)], coder=LOOKS, reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(task, site)
        asked = json.dumps(server.requests)
    assert attempt.ended == "patched"
    assert "forgets the first price" in asked  # the prompts were looked at, and hold what they may hold
    seen = [asked, repr(task), repr(site.selection), site.baseline.command, site.baseline.log, *map(repr, world.events)]
    for text in (*seen, *texts(tmp_path)):
        assert not [secret for secret in SECRETS if secret in text], text[:2000]
