"""Fixtures of the room."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llm_bench import Bench, BenchAt


@pytest.fixture
def bench_at(tmp_path: Path) -> Iterator[BenchAt]:
    made: list[Bench] = []

    def make(url: str, *given: Any, **more: Any) -> Bench:
        made.append(Bench(tmp_path, url, *given, **more))
        return made[-1]

    yield make
    for bench in made:
        bench.servers.close()
        bench.journal.close()
