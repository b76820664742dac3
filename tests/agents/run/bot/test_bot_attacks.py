"""One test per row of `bot_attacks`: what was tried is refused, and the honest case beside it works."""

from pathlib import Path

import pytest
from bot_attacks import ROWS, Row, try_row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_attack(row: Row, tmp_path: Path) -> None:
    assert try_row(row, tmp_path).wrong == []


def test_there_are_enough() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)) >= 40
