"""One test per row of `bot_attacks`: what was tried is refused, and the honest case beside it works."""

from pathlib import Path

import pytest
from bot_attacks.every import ROWS
from bot_attacks.row import Row, try_row

from agents.run.bot.artifact import Before, faults
from sandbox.patch import Change


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_attack(row: Row, tmp_path: Path) -> None:
    assert try_row(row, tmp_path).wrong == []


def test_there_are_enough() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)) >= 40


def test_a_small_edit_of_a_large_file_is_taken() -> None:
    old = b"".join(b"x = %d\n" % number for number in range(30_000))
    change = Change("big.py", old.replace(b"x = 7\n", b"x = 8\n"), 0o100644)
    before = Before({"big.py": 0o100644}, {"big.py": old})
    assert faults([change], before, lock_files=False, size=200) == []
