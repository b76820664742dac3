"""A batch that a person stops while a model's server says nothing."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from bench_local import Local
from bench_site import play
from model_server import Act, ModelServer
from team_site import role_of

from agents.record import read
from tasks.stop import Stop

pytestmark = pytest.mark.slow

GRACE = 1.0  # seconds for what is under way
SOON = 8.0  # seconds more, on a machine that does other things too


class Silent:
    """Answers no coder until it is told to speak."""

    def __init__(self) -> None:
        self.asked, self.speak = threading.Event(), threading.Event()

    def __call__(self, request: dict[str, Any]) -> Act:
        if role_of(request) == "coder":
            self.asked.set()
            self.speak.wait(60)
        return play(request)


def test_asked_once_it_ends_within_its_deadline_and_goes_on_later(tmp_path: Path) -> None:
    silent, stop, before = Silent(), Stop(grace=GRACE), set(threading.enumerate())
    asked_at: list[float] = []

    def person() -> None:
        silent.asked.wait(60)
        asked_at.append(time.monotonic())
        stop.ask()

    with ModelServer(silent) as server:
        local = Local(tmp_path, server.url, stop=stop)
        threading.Thread(target=person).start()
        history = local.run(tmp_path / "run", tasks=3, workers=2)
        assert time.monotonic() - asked_at[0] < GRACE + SOON
        # The interpreter waits for every thread that is no daemon, before it ends.
        assert [thread.name for thread in set(threading.enumerate()) - before if not thread.daemon] == []
        assert history.results() == []
        assert {standing.early for standing in history.standings.values()} == {"cancelled"}

        silent.speak.set()
        local.stop = Stop()
        history = local.run(tmp_path / "run", tasks=3, workers=2)
    assert [row.outcome for row in history.results()] == ["resolved"] * 3
    lost = [read(path).unended for path in (tmp_path / "run").glob("solver/**/journal.jsonl")]
    assert sum(map(len, lost)) <= 2
