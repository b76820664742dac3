"""A person edits the plan, leaves a note, refuses a patch, or is not there."""

import json
from pathlib import Path
from typing import Any

from model_server import ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, World, by_role, solver, subtask, typed


def test_a_person_edits_the_plan_and_leaves_a_note(tmp_path: Path) -> None:
    world = World(tmp_path)
    asked: list[Any] = []
    plan = {"subtasks": [subtask("first") | {"goal": "goal of first, as the person wants it"}]}

    def person(question: Any) -> Any:
        asked.append(question["about"])
        return (
            {"decision": "edit", "plan": plan, "note": "keep it short"}
            if question["about"] == "plan"
            else {"decision": "accept"}
        )

    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        team = solver(server.url, tmp_path / "kept", approve=frozenset({"plan", "patch"}), person=person)
        attempt = team.solve(world.task(), world.site())
    assert asked == ["plan", "patch"]
    assert attempt.ended == "patched"
    opening = server.requests[1]["messages"][1]["content"]
    assert "as the person wants it" in opening
    assert "keep it short" in opening
    assert "keep it short" in server.requests[2]["messages"][1]["content"]


def test_with_nobody_there_the_run_waits_and_goes_on_with_the_answer(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        team = solver(server.url, tmp_path / "kept", approve=frozenset({"patch"}))
        waiting = team.solve(world.task(), world.site())
        assert "solve resume" in waiting.reason
        assert json.loads((tmp_path / "run" / "question.json").read_text())["about"] == "patch"
        (tmp_path / "run" / "answer.json").write_text('{"decision": "accept"}')
        attempt = team.solve(world.task(), world.site())
    assert attempt.ended == "patched"
    assert len(server.requests) == 3


def test_a_refused_patch_is_not_delivered(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        team = solver(
            server.url, tmp_path / "kept", approve=frozenset({"patch"}), person=lambda q: {"decision": "refuse"}
        )
        attempt = team.solve(world.task(), world.site())
    assert (attempt.patch, attempt.ended) == (b"", "gave_up")


# -- several attempts, replay -----------------------------------------------------------------------------------------
