"""A model's advice on an environment: through the one place that calls models, checked, paid from the run's budget."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from git_repositories import commit, git
from local_site import CODE, SHOWS, TEST, project
from model_server import Act, ModelServer, Say, Status
from team_site import role_of, typed

from agents.models import Model, Price
from agents.run.advisor import advisor, journal, spent
from agents.run.solve import SOLVERS
from agents.run.team import Choices, adviser
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.remedy import Remedy
from tasks.limits import Allowance, Budget
from tasks.rundir import RunDir

FEDORA = Remedy("without system", "libcap-devel", "E: Unable to locate package libcap-devel")
RECIPE = FEDORA.of(Recipe("python", requirements=("pytest",), test_command="python -m pytest checks"))
KEY = "sk-0123456789abcdefghijklmn"
OUTPUT = f"fatal error: sys/capability.h: No such file or directory\nexport SOLVE_API_KEY={KEY}\n"
EMPTY: dict[str, Any] = {"requirements": [], "build_requirements": [], "python": "", "test_command": []}
HEADER = {**EMPTY, "reasons": "the header is libcap's", "debian_packages": ["libcap-dev"]}


def asked(server: ModelServer, folder: Path, budget: Budget, told: list[str]) -> tuple[Sequence[Remedy], RunDir, Model]:
    price = Price.model_validate({"input": 1, "cached": 1, "output": 1})
    model = Model(id="m", base_url=server.url, context=32_000, output=1_000, price=price, supports=frozenset())
    with RunDir.open(folder / "run", {}) as run:
        with advisor(model, run, budget, folder, {"SOLVE_API_KEY": KEY}, told.append) as advise:
            assert advise is not None
            assert not journal(run).exists(), "nothing is made before it is needed"
            found = advise(RECIPE, OUTPUT)
        return found, run, model


def test_a_reply_that_fits_is_a_change_and_one_that_does_not_is_asked_for_again(tmp_path: Path) -> None:
    budget = Budget()
    odd = {**HEADER, "debian_packages": ["libcap-dev && reboot"], "test_command": ["sh", "-c", "true"]}
    with ModelServer([typed(odd), typed(HEADER)]) as server:
        found, run, model = asked(server, tmp_path, budget, [])
    assert [(item.kind, item.value) for item in found] == [("system", "libcap-dev")]
    first, second = (json.dumps(request["messages"]) for request in server.requests)
    assert "sys/capability.h" in first
    assert "- test command: python -m pytest checks" in first
    assert "without system libcap-devel (E: Unable to locate" in first, "what did not help is not advised again"
    assert KEY not in second, "what a build printed is shown without secrets"
    assert "no Debian package's name" in second
    cost = spent(model, run)
    assert (cost.calls, budget.spent.calls) == (2, 2)
    assert cost.dollars is not None
    assert cost.dollars == pytest.approx(float(budget.spent.dollars))


def test_a_model_that_cannot_be_asked_leaves_the_failure_as_it_is(tmp_path: Path) -> None:
    told: list[str] = []
    with ModelServer([]) as server:
        assert asked(server, tmp_path / "poor", Budget(Allowance(calls=0)), told)[0] == ()
    with ModelServer([Status(400)]) as server:
        assert asked(server, tmp_path / "odd", Budget(), told)[0] == ()
    with ModelServer([typed({**HEADER, "python": "2"})] * 3) as server:
        assert asked(server, tmp_path / "wild", Budget(), told)[0] == ()
    assert ["1 calls asked" in told[0], "rejects the request" in told[1], "no Python" in told[2]] == [True] * 3


def test_only_a_model_that_answers_anew_is_asked(tmp_path: Path) -> None:
    for name in ("repair", "empty", f"replay:{tmp_path}"):
        assert adviser(name, Choices(), SOLVERS, {}) is None
    found = adviser("m", Choices(base_url="http://127.0.0.1:9/v1"), SOLVERS, {})
    assert found is not None
    assert found.id == "m"


SETUP = """
from setuptools import Extension, setup

setup(name="shapes", version="1", py_modules=["shapes"], ext_modules=[Extension("capped", ["capped.c"])])
"""
CAPPED = """
#include <Python.h>
#include <sys/capability.h>

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "capped", "", -1, NULL};
PyMODINIT_FUNC PyInit_capped(void) { return PyModule_Create(&module); }
"""


def play(request: dict[str, Any]) -> Act:
    match role_of(request):
        case "environment":
            return typed(HEADER)
        case "reviewer":
            return typed({"verdict": "accept", "reasons": "an area is a product"})
        case "probe":
            return Say("{}")
    if len(request["messages"]) > 3:
        return Say(calls=[("test", {"tests": []}), ("done", {"summary": "a product"})])
    edit = {"path": "shapes.py", "search": "    return width + height", "replace": "    return width * height"}
    return Say(calls=[("edit", edit)])


@pytest.mark.docker
def test_an_environment_that_only_a_model_can_mend_is_built_and_the_issue_solved(tmp_path: Path) -> None:
    tree = project(
        tmp_path / "shapes", {"shapes.py": CODE, "tests/test_shapes.py": TEST, "setup.py": SETUP, "capped.c": CAPPED}
    )
    git(tree, "init", "--quiet")
    commit(tree, "first")
    issue = f"# area adds where it should multiply\n\n```python\n# tests/test_area.py\n{SHOWS}```\n"
    out = tmp_path / f"run-{uuid4().hex}"
    with ModelServer(play) as server:
        command = [f"{sys.prefix}/bin/solve", "run", "--repo", str(tree), "--issue", issue, "--model", "scripted"]
        command += ["--base-url", server.url, "--allow-unpriced", "--sandbox", "docker", "--out", str(out), "--json"]
        environment = {**os.environ, "SOLVE_CACHE_DIR": str(tmp_path / "cache")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    events = [json.loads(row)["text"] for row in (out / "events.jsonl").read_text().splitlines()]
    learned = [text.rpartition("): ")[2] for text in events if text.startswith("learned from a failure")]
    assert learned == ["system libcap-dev"]
    assert result["verdict"] == "verified"
    assert result["cost"]["calls"] == len(server.requests)
