"""A client of a scripted model server, for tests."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from agents.journal import Journal
from agents.llm import Servers
from agents.models import Model, Price
from agents.record import Request
from agents.reply import Reply
from tasks.limits import Allowance, Budget

PRICE = Price(input=Decimal(2), cached=Decimal("0.5"), output=Decimal(8))
NO_LIMIT = Allowance()


class Bench:
    """A client on a scripted server, whose sleep is noted and not slept."""

    def __init__(self, folder: Path, url: str, allowance: Allowance = NO_LIMIT, **more: Any) -> None:
        self.slept: list[float] = []
        self.budget = Budget(allowance)
        self.model = Model(id="m", base_url=url, context=10_000, output=100, price=PRICE)
        self.journal = Journal(folder / "journal.jsonl", {})
        settings: dict[str, Any] = {"sleep": self.slept.append, "chance": lambda: 0.5, **more}
        self.servers = Servers(self.journal, self.budget, lambda model: "key", **settings)

    def ask(self, text: str = "hi", seat: str = "coder", **options: Any) -> Reply:
        request = Request(seat, ({"role": "user", "content": text},), {"model": "m", "max_tokens": 100, **options})
        return self.servers.complete(self.model, request)

    def once(self, tries: int = 1) -> Reply:
        request = Request("s", ({"role": "user", "content": "x"},), {"model": "m"})
        return self.servers.complete(self.model, request, tries=tries)


BenchAt = Callable[..., Bench]
