"""Where the money ends, a server goes away or another model is named: the best patch stands, nothing is paid twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from model_server import ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, World, by_role, solver, typed

from agents.models import ROLES, Cast
from sandbox.api import BadInput
from tasks.limits import Allowance


def test_at_the_limit_the_best_patch_so_far_is_delivered(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND]), Say(calls=[("view", {"path": "a"})])])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site(Allowance(calls=2)))
    assert attempt.ended == "over_budget"
    assert "calls" in attempt.reason
    assert "return sum(prices)\n" in (world.after(attempt.patch)["shop/price.py"] or "")
    assert len(server.requests) == 2


@pytest.mark.parametrize("calls", [0, 2])
def test_more_budget_goes_on_where_the_money_ran_out_and_pays_nothing_twice(tmp_path: Path, calls: int) -> None:
    world = World(tmp_path)
    script = by_role(
        tester=[typed(TEST)],
        coder=[Say(calls=[("view", {"path": "shop/price.py"})]), Say(calls=[MEND, DONE])],
        reviewer=[typed(ACCEPT)],
    )
    with ModelServer(script) as server:
        team = solver(server.url, tmp_path / "kept")
        assert team.solve(world.task(), world.site(Allowance(calls=calls))).ended == "over_budget"
        attempt = team.solve(world.task(), world.site(Allowance(calls=4)))
        assert (attempt.ended, attempt.reason) == ("patched", "")
        assert len(server.requests) == attempt.cost.calls == 4


def test_a_run_goes_on_once_its_server_is_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = by_role(
        tester=[typed(TEST)], coder=[Say(choices=False)] * 3 + [Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)]
    )
    with ModelServer(script) as server:
        team = solver(server.url, tmp_path / "kept")
        assert team.solve(world.task(), world.site()).ended == "infra_error"
        attempt = team.solve(world.task(), world.site())
    assert attempt.ended == "patched"
    assert len(server.requests) == 6


def test_other_models_do_not_go_on_with_a_journal_and_other_prices_do(tmp_path: Path) -> None:
    world = World(tmp_path)
    with ModelServer(by_role(tester=[typed(TEST)])) as server:
        team = solver(server.url, tmp_path / "kept")
        team.solve(world.task(), world.site(Allowance(calls=1)))
        model = team.cast.roles["coder"]
        dearer = model.model_copy(update={"price": None, "output": 1_999})
        same = replace(team, cast=Cast("dearer", dict.fromkeys(ROLES, dearer)))
        assert same.solve(world.task(), world.site(Allowance(calls=1))).ended == "over_budget"
        other = Cast("other", dict.fromkeys(ROLES, model.model_copy(update={"id": "other"})))
        with pytest.raises(BadInput, match="other models"):
            replace(team, cast=other).solve(world.task(), world.site())
    assert (tmp_path / "run" / "journal.jsonl").exists()
