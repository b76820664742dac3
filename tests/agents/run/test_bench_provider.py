"""A provider with every failure: all attempts finish, the calls in flight adapt, and the books agree to the cent."""

import random
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bench_local import Local
from bench_site import play
from model_server import Act, Drop, ModelServer, Raw, Say, Status, completion

from agents.record import read
from tasks.adaptive import Lanes

PRICE_IN, PRICE_OUT = Decimal(1), Decimal(2)  # dollars a million tokens, as in models.toml


class Provider:
    """10% 429, 5% 500, 2% dropped, 1% garbage, and never more than `bears` calls at once; keeps its own books."""

    def __init__(self, bears: int) -> None:
        self.bears, self.chance, self.lock = bears, random.Random(1), threading.Lock()
        self.flying = self.refused = 0
        self.charged = Decimal(0)
        self.kinds: dict[str, int] = {}

    def __call__(self, request: dict[str, Any]) -> Act:
        with self.lock:
            self.flying += 1
            crowded, draw = self.flying > self.bears, self.chance.random()
        try:
            time.sleep(0.02)
            return self._act(request, crowded, draw)
        finally:
            with self.lock:
                self.flying -= 1

    def _act(self, request: dict[str, Any], crowded: bool, draw: float) -> Act:
        if crowded or draw < 0.10:
            return self._said("429", Status(429, {"Retry-After": "0.05"}))
        if draw < 0.15:
            return self._said("500", Status(500))
        if draw < 0.17:
            return self._said("dropped", Drop(after=10, reset=True))
        if draw < 0.18:
            return self._said("garbage", Raw(b"<html>busy</html>"))
        reply = play(request)
        assert isinstance(reply, Say)
        usage = completion(reply, request)["usage"]
        with self.lock:
            self.charged += (usage["prompt_tokens"] * PRICE_IN + usage["completion_tokens"] * PRICE_OUT) / 1_000_000
        return self._said("answered", reply)

    def _said(self, kind: str, act: Act) -> Act:
        with self.lock:
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return act


@pytest.mark.accept
def test_every_task_finishes_and_the_books_agree(tmp_path: Path) -> None:
    provider, lanes, tasks = Provider(bears=6), Lanes(start=16), 40
    with ModelServer(provider) as server:
        local = Local(tmp_path, server.url, lanes)
        history = local.run(tmp_path / "run", tasks, workers=16)
    results = history.results()
    assert [row.outcome for row in results] == ["resolved"] * tasks

    (lane,) = lanes.all().values()
    print(f"{provider.kinds}; {lane.complaints} halvings, {lane.limit} calls at the end, {provider.bears} are borne")
    assert min(provider.kinds.get(kind, 0) for kind in ("429", "500", "dropped", "garbage")) > 0
    assert lane.complaints > 0
    assert lane.limit < 16

    answered = unsure = Decimal(0)
    for path in (tmp_path / "run").glob("solver/**/journal.jsonl"):
        recorded = read(path)
        ends = sum((answer.used.dollars for found in recorded.answers.values() for answer in found), Decimal(0))
        answered += ends
        unsure += recorded.spent.dollars - ends + recorded.lost.dollars
    assert answered == provider.charged  # what was answered is booked exactly as the server did
    told = sum(Decimal(str(row.dollars)) for row in results)
    # What broke off may have been charged: it is booked at its worst case, in the attempt that met it.
    assert abs(told - (answered + unsure)) < Decimal("0.005")
    assert unsure > 0
