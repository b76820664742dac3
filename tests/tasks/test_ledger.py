"""The ledger: what a crash leaves is healed, what a disk changed is named, and nothing else is lost."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.api import BadInput
from tasks.history import History
from tasks.ledger import FILE, Key, Ledger, Line, State, parse, read, sealed

KEY: Key = ("org__calc-1", "m", 1)
STATES: tuple[State, ...] = ("solving", "solved", "grading", "graded", "failed")
texts = st.text(max_size=20)
lines = st.lists(
    st.builds(
        Line,
        at=st.floats(0, 1e10),
        state=st.sampled_from(STATES),
        key=st.tuples(texts, texts, st.integers(0, 9)),
        reason=texts,
        last=st.booleans(),
        result=st.dictionaries(texts, texts | st.integers() | st.none(), max_size=3),
    ),
    min_size=1,
    max_size=6,
)


def written(rows: list[Line]) -> bytes:
    return b"".join(sealed(row.model_copy(update={"n": number})) for number, row in enumerate(rows))


@settings(max_examples=25)
@given(lines)
def test_what_was_written_is_read(rows: list[Line]) -> None:
    found = parse(written(rows))
    assert [row.model_copy(update={"n": -1}) for row in found.lines] == rows
    assert (found.damage, found.torn) == ([], b"")


@settings(max_examples=25)
@given(lines, st.data())
def test_a_file_cut_anywhere_keeps_its_whole_lines(rows: list[Line], data: st.DataObject) -> None:
    whole = written(rows)
    cut = data.draw(st.integers(0, len(whole)))
    found = parse(whole[:cut])
    assert found.damage == []
    assert len(found.lines) == whole[:cut].count(b"\n")
    assert whole[: found.length] + found.torn == whole[:cut]


@settings(max_examples=50)
@given(lines, st.data())
def test_no_flipped_byte_goes_unseen(rows: list[Line], data: st.DataObject) -> None:
    whole = bytearray(written(rows))
    place = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    whole[place] ^= 1 << bit
    found = parse(bytes(whole))
    sound = {sealed(line) for line in parse(written(rows)).lines}
    assert {sealed(line) for line in found.lines} <= sound  # nothing is read that was not written
    # The newline at the very end is the one byte whose loss looks like a line that was cut short.
    assert found.damage or (place == len(whole) - 1 and found.torn)


@settings(max_examples=25)
@given(lines, st.data())
def test_a_missing_line_is_missed(rows: list[Line], data: st.DataObject) -> None:
    whole = written([*rows, *rows]).splitlines(keepends=True)
    gone = data.draw(st.integers(0, len(whole) - 2))
    found = parse(b"".join(whole[:gone] + whole[gone + 1 :]))
    assert [damage.number for damage in found.damage] == [gone + 1]


def test_half_a_last_line_is_healed(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.append(Line(at=1, state="solving", key=KEY))
        ledger.append(Line(at=2, state="solved", key=KEY))
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-9])
    assert len(read(tmp_path).lines) == 1  # a report of a running batch sees what is whole, and mends nothing
    with Ledger(tmp_path) as ledger:
        assert [line.state for line in ledger.lines] == ["solving"]
        ledger.append(Line(at=3, state="failed", key=KEY))
    assert [line.state for line in read(tmp_path).lines] == ["solving", "failed"]
    assert read(tmp_path).damage == []


def test_a_damaged_middle_line_is_named_and_refused_unless_it_is_to_be_salvaged(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.append(*(Line(at=n, state=state, key=KEY) for n, state in enumerate(("solving", "solved", "graded"))))
    path = tmp_path / FILE
    damaged = path.read_bytes().replace(b"solved", b"sulved")
    path.write_bytes(damaged)
    with pytest.raises(BadInput, match=r"damaged in line 2 .*--salvage"):
        Ledger(tmp_path)
    assert path.read_bytes() == damaged
    with Ledger(tmp_path, salvage=True) as ledger:
        assert [line.state for line in ledger.lines] == ["solving", "graded"]
        ledger.append(Line(at=9, state="graded", key=("other", "m", 1)))
    assert [line.n for line in read(tmp_path).lines] == [0, 1, 2]
    (kept,) = tmp_path.glob(f"{FILE}.damaged-*")
    assert kept.read_bytes() == damaged


def test_two_processes_do_not_share_a_run(tmp_path: Path) -> None:
    with Ledger(tmp_path), pytest.raises(BadInput, match="another `solve bench`"):
        Ledger(tmp_path)


def test_many_threads_append_whole_lines_in_one_order(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        threads = [
            threading.Thread(target=lambda name=name: ledger.append(Line(at=1, state="solving", key=(name, "m", 1))))
            for name in map(str, range(30))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = read(tmp_path)
    assert found.damage == []
    assert {line.key[0] for line in found.lines} == set(map(str, range(30)))


def test_a_full_disk_leaves_whole_lines_and_a_ledger_that_takes_no_more(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.append(Line(at=1, state="solving", key=KEY))
        os.close(ledger._file)
        ledger._file = os.open("/dev/full", os.O_RDWR)  # every write to it fails with ENOSPC
        with pytest.raises(OSError):
            ledger.append(Line(at=2, state="solved", key=KEY))
        with pytest.raises(ValueError, match="closed"):
            ledger.append(Line(at=3, state="graded", key=KEY))
    assert [line.state for line in read(tmp_path).lines] == ["solving"]


def test_a_ledger_says_where_each_attempt_stands() -> None:
    patch = {"instance_id": "a", "model_name_or_path": "m", "model_patch": "p", "dollars": 0.25}
    history = History.of(
        [
            Line(at=0, state="planned", result={"attempts": 4}),
            Line(at=1, state="solving", key=("a", "m", 1)),
            Line(at=2, state="failed", key=("a", "m", 1), early="engine", reason="gone"),
            Line(at=3, state="solving", key=("a", "m", 1), attempt=2),
            Line(at=4, state="solved", key=("a", "m", 1), attempt=2, result=patch),
            Line(at=5, state="graded", key=("a", "m", 1), attempt=2, result={"outcome": "resolved"}),
            Line(at=6, state="solving", key=("b", "m", 1)),
            Line(at=7, state="solved", key=("c", "m", 1), result=patch | {"instance_id": "c"}),
            Line(
                at=8, state="failed", key=("c", "m", 1), early="verifier", last=True, result={"outcome": "infra_error"}
            ),
        ]
    )
    a, b, c = (history.standings[name, "m", 1] for name in "abc")
    assert (a.done, b.begun, c.solved, c.done) == (True, True, True, False)
    assert [(row.instance_id, row.outcome, row.early) for row in history.results()] == [
        ("a", "resolved", None),
        ("c", "infra_error", "verifier"),
    ]
    assert history.spent() == {"m": 0.5}
    history.take(Line(at=9, state="solving", key=("a", "m", 1), attempt=3))
    assert history.spent() == {"m": 0.5}  # what a result cost that is made anew was spent all the same
    assert not history.standings["a", "m", 1].solved
