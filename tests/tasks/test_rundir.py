import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.api import BadInput
from tasks.event import Event
from tasks.rundir import RunDir, new_id


def test_events_are_appended_as_whole_lines(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path / "run")
    run.record(Event("code", "tried", 3, 9, {"best": "a.py"}))
    run.record(Event("verdict", "verified"))
    rows = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["code", "verdict"]
    assert (rows[0]["done"], rows[0]["total"], rows[0]["data"]) == (3, 9, {"best": "a.py"})


def test_files_are_replaced_whole_and_leave_no_scratch(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path / "run")
    run.write("patch.diff", b"one")
    run.write("patch.diff", b"\xfftwo")
    run.write_json("verdict.json", {"verdict": "verified", "odd": "\udcff"})
    assert (run.path / "patch.diff").read_bytes() == b"\xfftwo"
    assert json.loads((run.path / "verdict.json").read_text())["verdict"] == "verified"
    assert sorted(path.name for path in run.path.iterdir()) == ["logs", "patch.diff", "solver", "verdict.json"]


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="--out"):
        RunDir.create(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_an_earlier_run_may_be_replaced(tmp_path: Path) -> None:
    RunDir.create(tmp_path).write_json("run.json", {})
    RunDir.create(tmp_path).record(Event("task", "again"))
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="--out"):
        RunDir.create(tmp_path / "file" / "run")


def test_ids_sort_by_time_and_are_safe_as_file_names() -> None:
    first = new_id("../../etc: `Bits`  ü", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert first.startswith("20260102-030405-etc-bits-")
    assert new_id("x") != new_id("x")


def test_nothing_of_an_earlier_run_is_left(tmp_path: Path) -> None:
    earlier = RunDir.create(tmp_path)
    for name in ("run.json", "patch.diff", "logs/base-1.txt", "solver/found.json"):
        earlier.write(name, b"old")
    RunDir.create(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["logs", "solver"]


def test_the_same_question_goes_on_with_what_the_solver_left(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path)
    run.write_json("run.json", {"asked": {"issue": "a"}})
    for name in ("issue.json", "patch.diff", "solver/journal.jsonl"):
        run.write(name, b"old")
    RunDir.create(tmp_path, {"issue": "a"})
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "issue.json", "journal.jsonl", "logs", "patch.diff", "solver",
    ]  # fmt: skip


@pytest.mark.parametrize("record", [b'{"asked": {"issue": "b"}}', b"{half", b"[]"])
def test_another_question_or_a_damaged_record_starts_anew(tmp_path: Path, record: bytes) -> None:
    run = RunDir.create(tmp_path)
    run.write("run.json", record)
    run.write("solver/journal.jsonl", b"old")
    RunDir.create(tmp_path, {"issue": "a"})
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["logs", "solver"]
