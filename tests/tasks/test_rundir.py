import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.api import BadInput
from tasks.event import Event
from tasks.rundir import RunDir, new_id


def test_events_are_appended_as_whole_lines(tmp_path: Path) -> None:
    run = RunDir.open(tmp_path / "run").begin()
    run.record(Event("code", "tried", 3, 9, {"best": "a.py"}))
    run.record(Event("verdict", "verified"))
    rows = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["code", "verdict"]
    assert (rows[0]["done"], rows[0]["total"], rows[0]["data"]) == (3, 9, {"best": "a.py"})


def test_files_are_replaced_whole_and_leave_no_scratch(tmp_path: Path) -> None:
    run = RunDir.open(tmp_path / "run").begin()
    run.write("patch.diff", b"one")
    run.write("patch.diff", b"\xfftwo")
    run.write_json("verdict.json", {"verdict": "verified", "odd": "\udcff"})
    assert (run.path / "patch.diff").read_bytes() == b"\xfftwo"
    assert json.loads((run.path / "verdict.json").read_text())["verdict"] == "verified"
    assert sorted(path.name for path in run.path.iterdir()) == ["logs", "patch.diff", "solver", "verdict.json"]


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="--out"):
        RunDir.open(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="--out"):
        RunDir.open(tmp_path / "file" / "run")


def test_ids_sort_by_time_and_are_safe_as_file_names() -> None:
    first = new_id("../../etc: `Bits`  ü", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert first.startswith("20260102-030405-etc-bits-")
    assert new_id("x") != new_id("x")


def left(folder: Path, record: bytes = b'{"asked": {"issue": "a", "dollars": "1"}}') -> None:
    """What an earlier run left."""
    with RunDir.open(folder) as run:
        run.begin().write("run.json", record)
        for name in ("issue.json", "patch.diff", "solver/journal.jsonl", "verdict.json", "logs/base-1.txt"):
            run.write(name, b"old")


def test_the_same_question_goes_on_with_what_was_paid_for(tmp_path: Path) -> None:
    left(tmp_path)
    with RunDir.open(tmp_path, {"issue": "a"}) as run:
        assert (tmp_path / "verdict.json").exists(), "opening alone removes nothing"
        run.begin()
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "issue.json", "journal.jsonl", "logs", "patch.diff", "run.json", "solver",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "said"),
    [(b'{"asked": {"issue": "b"}}', r'issue was "b"'), (b"{half", "damaged"), (b"[]", "damaged")],
)
def test_another_question_or_a_damaged_record_is_refused_and_nothing_is_lost(
    tmp_path: Path, record: bytes, said: str
) -> None:
    left(tmp_path, record)
    with pytest.raises(BadInput, match=said) as caught:
        RunDir.open(tmp_path, {"issue": "a"})
    assert "--out" in str(caught.value)
    assert (tmp_path / "solver" / "journal.jsonl").read_bytes() == b"old"


def test_a_run_that_was_killed_before_its_mark_stood_there_goes_on(tmp_path: Path) -> None:
    with RunDir.open(tmp_path / "run") as run:
        run.begin()
    (tmp_path / "run" / ".run.json.0123abcd").write_bytes(b'{"asked"')
    with RunDir.open(tmp_path / "run") as run:
        assert run.fresh
        run.begin()
        assert sorted(entry.name for entry in run.path.iterdir()) == ["logs", "solver"]
    (tmp_path / "run" / "logs" / "mine.txt").write_text("x")
    with pytest.raises(BadInput, match="not empty"):
        RunDir.open(tmp_path / "run")


def test_one_process_at_a_time_works_in_a_folder(tmp_path: Path) -> None:
    with RunDir.open(tmp_path / "run"), pytest.raises(BadInput, match="another solve works in"):
        RunDir.open(tmp_path / "run")
    RunDir.open(tmp_path / "run").close()


def test_what_was_refused_at_once_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("new", "there"):
        with RunDir.open(tmp_path / name) as run:
            run.begin().write_json("run.json", {})
            run.discard()
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_work_of_an_earlier_process_is_not_discarded(tmp_path: Path) -> None:
    left(tmp_path)
    with RunDir.open(tmp_path) as run:
        run.begin().discard()
    assert (tmp_path / "solver" / "journal.jsonl").exists()
