"""Where the graph's steps are kept: SQLite beside the journal, or a Postgres that the environment names."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from model_server import ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, World, by_role, solver, typed

from agents.team import checkpoints
from sandbox.api import BadInput
from tasks.limits import Allowance


def test_a_run_killed_between_a_steps_result_and_its_checkpoint_goes_on_to_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        team = solver(server.url, tmp_path / "kept")
        whole = team.solve(world.task(), world.site())
        for gone in range(1, 8):
            with closing(sqlite3.connect(tmp_path / "run" / "checkpoints.sqlite")) as kept, kept:
                last = "SELECT checkpoint_id FROM checkpoints ORDER BY checkpoint_id DESC LIMIT ?"
                kept.execute(f"DELETE FROM checkpoints WHERE checkpoint_id IN ({last})", (gone,))
            world.events.clear()
            again = team.solve(world.task(), world.site())
            assert (again.patch, again.ended, again.reason) == (whole.patch, "patched", whole.reason), gone
            reviewed = any(event.text.startswith("accept") for event in world.events)
            assert reviewed or gone < 3, gone  # the last two checkpoints are behind the review
    assert len(server.requests) == 3


@pytest.mark.slow
def test_in_postgres_a_run_goes_on_too(tmp_path: Path) -> None:
    pytest.importorskip("langgraph.checkpoint.postgres", reason="pip install 'solve[postgres]'")
    url = os.environ.get("SOLVE_TEST_POSTGRES") or pytest.skip("SOLVE_TEST_POSTGRES names no server")
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    for number in range(2):  # two runs in one database
        world = World(tmp_path / str(number))
        with ModelServer(script if not number else by_role(tester=[typed(TEST)])) as server:
            team = solver(server.url, tmp_path / "kept", checkpoints=url)
            team.solve(world.task(), world.site(Allowance(calls=1)))
            if not number:
                assert team.solve(world.task(), world.site(Allowance(calls=9))).ended == "patched"
                assert len(server.requests) == 3
        assert not (tmp_path / str(number) / "run" / "checkpoints.sqlite").exists()


@pytest.mark.slow
def test_a_postgres_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match=r"no Postgres at 127\.0\.0\.1|pip install 'solve\[postgres\]'") as caught,
        checkpoints(tmp_path / "unused", "postgresql://user:secret@127.0.0.1:1/none?connect_timeout=2"),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
