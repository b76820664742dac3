"""What a run leaves: it plays back without a server, and every seat is a trajectory."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_server import ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, World, by_role, solver, typed

from agents.record import read
from agents.seats import trajectory
from agents.staff import ReplayStaff
from agents.trajectory import Step, atif


def test_a_run_is_played_back_from_its_journal_without_a_server(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = by_role(
        tester=[typed(TEST)],
        coder=[Say(calls=[("run", {"command": "echo now"})]), Say(calls=[MEND, DONE])],
        reviewer=[typed(ACCEPT)],
    )
    with ModelServer(script) as server:
        team = solver(server.url, tmp_path / "kept")
        first = team.solve(world.task(), world.site())
    journal = tmp_path / "run" / "journal.jsonl"
    journal.rename(tmp_path / "cassette.jsonl")
    shutil.rmtree(tmp_path / "run")
    played = replace(team, hire=lambda cast, site: ReplayStaff(tmp_path / "cassette.jsonl", site))
    again = played.solve(world.task(), world.site())
    assert again.patch == first.patch
    assert again.cost.calls == 0


def test_every_seat_is_a_trajectory_with_its_calls_and_what_they_brought(tmp_path: Path) -> None:
    world = World(tmp_path)
    look = ("view", {"path": "shop/price.py"})
    script = by_role(
        tester=[Say(choices=False), typed(TEST)],
        coder=[Say(calls=[look]), Say(calls=[("fly", "no json")]), Say(calls=[MEND, DONE])],
        reviewer=[typed(ACCEPT)],
    )
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    recorded = read(tmp_path / "run" / "journal.jsonl")
    row: Any = atif(
        trajectory({"": recorded}, "solve/scripted", (Step("user", "the issue"),), attempt.cost), session="r"
    )
    children = {child["trajectory_id"]: child for child in row["subagent_trajectories"]}
    assert list(children) == ["tester", "coder/whole", "reviewer/0"]
    coder = [step for step in children["coder/whole"]["steps"] if step["source"] == "agent"]
    assert [step["tool_calls"][0]["function_name"] for step in coder] == ["view", "fly", "edit"]
    assert "def total" in coder[0]["observation"]["results"][0]["content"]
    assert "no tool 'fly'" in coder[1]["observation"]["results"][0]["content"]
    assert row["final_metrics"]["extra"]["calls"] == len(server.requests)
    if "SOLVE_KEEP_TRAJECTORY" in os.environ:  # `make accept-team` gives it to Harbor's own validator
        Path(os.environ["SOLVE_KEEP_TRAJECTORY"]).write_text(json.dumps(row))
