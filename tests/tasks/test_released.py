"""A row of two releases holds no code, and gets its answer from the archives that it names by hash."""

import json
from pathlib import Path

import pytest
from local_index import LocalIndex

from sandbox.api import BadInput
from sandbox.release import releases
from tasks.dataset import SHIPPED
from tasks.load import Selection, load
from tasks.mine import releases as pairs
from tasks.mine.candidate import Candidate

TEST = "from thing import x\n\n\ndef test_x():\n    assert x == {}\n"
BEFORE = {"thing.py": "x = 1\n", "tests/test_x.py": TEST.format(1), "CHANGES.md": "# 1.0\n\nfirst\n", "setup.py": "old"}
AFTER = {
    "thing.py": "x = 2\n",
    "tests/test_x.py": TEST.format(2),
    "CHANGES.md": "# 1.1\n\nx is two\n\n# 1.0\n\nfirst\n",
    "setup.py": "new",
}


def test_from_two_archives_to_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    index = LocalIndex(tmp_path / "index")
    index.add_sdist("thing", "1.0", BEFORE)
    index.add_sdist("thing", "1.1", AFTER)
    with index.served() as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        ((before, after),) = pairs.consecutive(releases("thing"), 5)
        found = pairs.candidate(before, after)
    assert isinstance(found, Candidate)
    assert "x is two" in found.issue.body
    assert "first" not in found.issue.body
    row = {
        "instance_id": "thing-1.1",
        "repo": before.address,
        "base_commit": found.base_commit,
        "problem_statement": "x is one",
        "FAIL_TO_PASS": ["tests/test_x.py::test_x"],
        "created_at": "2026-01-01",
        "release": dict(found.release),
    }
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps(row) + "\n")
    (loaded,) = load(str(rows)).rows  # the archives are kept: no index answers now
    assert loaded.answer.patch == found.parts.patch
    assert b"+x = 2" in loaded.answer.patch
    assert b"setup.py" not in loaded.answer.patch
    assert b"assert x == 2" in loaded.answer.test_patch
    assert loaded.task.repository == before.address
    with pytest.raises(BadInput, match="no row"):
        load(str(rows), Selection(since="2026-02-01"))
    rows.write_text(json.dumps(row | {"base_commit": "a" * 40}))
    with pytest.raises(BadInput, match=r"its base_commit is not that of thing 1\.0"):
        load(str(rows))
    rows.write_text(json.dumps(row | {"release": {"package": "thing"}}))
    with pytest.raises(BadInput, match=r"row thing-1\.1: release"):
        load(str(rows))


def test_the_benchmark_that_ships() -> None:
    rows = [json.loads(line) for line in SHIPPED["releases"].read_text("utf-8").splitlines()]
    assert len(rows) >= 25
    assert len({row["release"]["package"] for row in rows}) >= 16
    assert len({row["instance_id"] for row in rows}) == len(rows)
    for row in rows:
        assert not row.get("patch"), "no line of anybody's code"
        assert not row.get("test_patch"), "no line of anybody's code"
        assert row["FAIL_TO_PASS"], row["instance_id"]
        assert len(row["problem_statement"]) > 80, row["instance_id"]
        assert row["repo"].endswith(row["release"]["before"]["sha256"])
        assert row["created_at"] > "2019"
