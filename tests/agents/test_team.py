"""The whole team on a small repository, with a scripted model over HTTP and real test runs."""

from pathlib import Path

from model_server import ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, World, by_role, solver, typed


def test_a_small_issue_takes_three_calls(tmp_path: Path) -> None:
    """One loop of a coder, and at most two calls more: the tester's and the reviewer's. No planning."""
    world = World(tmp_path)
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
