"""The whole team on a small repository, with a scripted model over HTTP and real test runs."""

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_image import baked_with_pytest, containers
from model_server import Act, ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, World, by_role, role_of, solver, subtask, typed

from sandbox.api import Image, Owner
from tasks.limits import Allowance
from tasks.task import Issue


@pytest.mark.parametrize("real", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_small_issue_takes_three_calls(tmp_path: Path, real: bool) -> None:
    """One loop of a coder, and at most two calls more: the tester's and the reviewer's. No planning."""
    world = World(tmp_path, real=real)
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert (attempt.ended, attempt.reason) == ("patched", "")
    after = world.after(attempt.patch)
    assert "return sum(prices)\n" in (after["shop/price.py"] or "")
    assert set(after) == {"shop/price.py", "tests/test_price.py"}
    assert attempt.cost.calls == len(server.requests) == 3
    assert [test.path for test in attempt.tests] == ["tests/test_price.py"]
    assert world.offered[-1] == attempt.patch


WorldOf = Callable[..., World]


@pytest.fixture(scope="module")
def shop_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    world = World(tmp_path_factory.mktemp("tree"))
    with baked_with_pytest(world.workspace.folder, tmp_path_factory.mktemp("library")) as image:
        yield image


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.docker)])
def world_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorldOf]:
    """Makes a world; the same tests run in memory and in containers, of which none may be left."""
    run = f"team-{uuid.uuid4().hex[:8]}"
    in_docker = request.param == "docker"
    image = request.getfixturevalue("shop_image") if in_docker else None
    yield lambda **more: World(tmp_path, docker=image, owner=Owner(run, "t"), **more)
    assert not in_docker or containers(run) == []


TWO = Issue(
    "Prices and labels are wrong",
    "- total() forgets the first price\n- label() must give upper case\n- label() must drop blanks\n",
)
TEST_TWO = {
    "path": "tests/test_both.py",
    "code": (
        "from shop.label import label\nfrom shop.price import total\n\n\n"
        "def test_price():\n    assert total([1, 2]) == 3\n\n\ndef test_label():\n    assert label(' a ') == 'A'\n"
    ),
}
LABEL = (
    "edit",
    {"path": "shop/label.py", "search": "    return name.lower()", "replace": "    return name.strip().upper()"},
)


def goal_of(request: dict[str, Any]) -> str:
    """Which subtask a coder's request is about."""
    opening = request["messages"][1]["content"]
    return next((name for name in ("first", "second") if f"goal of {name}" in opening), "whole")


def test_independent_subtasks_run_side_by_side_and_both_edits_are_in(tmp_path: Path, world_of: WorldOf) -> None:
    world = world_of(issue=TWO)
    meet = threading.Barrier(2, timeout=60)

    def play(request: dict[str, Any]) -> Act:
        match role_of(request):
            case "tester":
                return typed(TEST_TWO)
            case "planner":
                return typed({"subtasks": [subtask("first"), subtask("second")]})
            case "reviewer":
                return typed(ACCEPT)
        if len(request["messages"]) == 2:
            meet.wait()  # only if both are asked at the same time does this pass
            return Say(calls=[MEND if goal_of(request) == "first" else LABEL, DONE])
        return Say(calls=[DONE])  # said again: the other's part is not in this tree

    with ModelServer(play) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    after = world.after(attempt.patch)
    assert attempt.ended == "patched"
    assert "sum(prices)\n" in (after["shop/price.py"] or "")
    assert "upper()" in (after["shop/label.py"] or "")


def test_a_subtask_sees_the_merged_edits_of_what_it_depends_on(tmp_path: Path, world_of: WorldOf) -> None:
    world = world_of(issue=TWO)
    seen: list[str] = []

    def play(request: dict[str, Any]) -> Act:
        match role_of(request):
            case "tester":
                return typed(TEST_TWO)
            case "planner":
                return typed({"subtasks": [subtask("second", "first"), subtask("first")]})
            case "reviewer":
                return typed(ACCEPT)
        if goal_of(request) == "first":
            return Say(calls=[MEND, DONE] if len(request["messages"]) == 2 else [DONE])
        if len(request["messages"]) == 2:
            return Say(calls=[("view", {"path": "shop/price.py"})])
        seen.append(request["messages"][-1]["content"])
        return Say(calls=[LABEL, DONE])

    with ModelServer(play) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert attempt.ended == "patched"
    assert "return sum(prices)" in seen[0]


def test_a_subtask_that_has_used_its_share_leaves_the_rest_to_the_others(tmp_path: Path) -> None:
    world = World(tmp_path, issue=TWO)
    plan = [subtask("first") | {"share": 20}, subtask("second", "first") | {"share": 80}]
    asked: list[str] = []

    def play(request: dict[str, Any]) -> Act:
        match role_of(request):
            case "tester":
                return typed(TEST_TWO)
            case "planner":
                return typed({"subtasks": plan})
            case "reviewer":
                return typed(ACCEPT)
        asked.append(goal_of(request))
        if asked[-1] == "second":
            return Say(calls=[MEND, LABEL, DONE])
        return Say(calls=[("run", {"command": f"echo {len(asked)}"})])  # on and on

    with ModelServer(play) as server:
        site = world.site(Allowance(calls=22))  # two are used by then: of twenty, nine tenths are for coders
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), site)
    assert asked == ["first"] * 3 + ["second"]
    assert (attempt.ended, attempt.cost.calls) == ("patched", 7)
    assert any("has used its part of the budget: 3 of 3 calls" in event.text for event in world.events)


def test_a_conflict_becomes_a_subtask_and_nothing_is_lost(tmp_path: Path, world_of: WorldOf) -> None:
    world = world_of(issue=TWO)
    told: list[str] = []

    def edit(new: str, old: str = "    return name.lower()") -> tuple[str, dict[str, str]]:
        return ("edit", {"path": "shop/label.py", "search": old, "replace": new})

    def play(request: dict[str, Any]) -> Act:
        match role_of(request):
            case "tester":
                return typed(TEST_TWO | {"code": TEST_TWO["code"].replace("total([1, 2]) == 3", "True")})
            case "planner":
                return typed({"subtasks": [subtask("first"), subtask("second")]})
            case "reviewer":
                return typed(ACCEPT)
        opening = request["messages"][1]["content"]
        if "side by side" in opening:
            told.append(opening)
            return Say(calls=[edit("    return name.upper().strip()", "    return name.upper()"), DONE])
        if len(request["messages"]) > 2:
            return Say(calls=[DONE])
        return Say(
            calls=[edit("    return name.upper()" if goal_of(request) == "first" else "    return name.strip()"), DONE]
        )

    with ModelServer(play) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert "+    return name.strip()" in told[0]
    assert "name.upper().strip()" in (world.after(attempt.patch)["shop/label.py"] or "")


def test_no_tests_leaves_the_written_test_out_of_the_patch(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept", keep_test=False).solve(world.task(), world.site())
    assert set(world.after(attempt.patch)) == {"shop/price.py"}
    assert [test.path for test in attempt.tests] == ["tests/test_price.py"]


def test_a_test_that_passes_on_the_base_is_not_taken(tmp_path: Path) -> None:
    world = World(tmp_path)
    useless = {**TEST, "code": "def test_nothing():\n    assert True\n"}
    script = by_role(tester=[typed(useless), typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert b"test_all_prices_count" in attempt.patch
    assert "1 passed" in server.requests[1]["messages"][-1]["content"]


def test_of_several_attempts_the_one_with_evidence_is_chosen(tmp_path: Path) -> None:
    world = World(tmp_path)
    weak = {
        **TEST,
        "path": "tests/test_weak.py",
        "code": TEST["code"].replace("[1, 2, 3]) == 6", "[7]) == 7").replace("all", "one"),
    }
    cheat = ("edit", {**MEND[1], "replace": "    return prices[0]"})
    script = by_role(
        tester=[typed(weak), typed(TEST)],
        coder=[Say(calls=[cheat, DONE]), Say(calls=[MEND, DONE])],
        reviewer=[typed(ACCEPT), typed(ACCEPT)],
    )
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept", attempts=2).solve(world.task(), world.site())
    assert "return sum(prices)\n" in (world.after(attempt.patch)["shop/price.py"] or "")
