"""`solve bench` as a program with a scripted model server and real containers, killed and cut off at any moment."""

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench_site import Site, left_in_the_engine, play, site
from model_server import Act, ModelServer

from agents.record import Answer, read
from tasks.history import History, read_runs
from tasks.ledger import read as read_ledger

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROWS, KILLS = 40, 20


def slowly(request: dict[str, Any]) -> Act:
    time.sleep(0.2)  # so that some calls are in flight when the driver dies
    return play(request)


def results(folder: Path) -> dict[str, object]:
    """What a leaderboard is made of, without times."""
    return {
        row.instance_id: (row.outcome, row.cause, row.model_patch, row.fail_to_pass, row.early)
        for row in read_runs([folder])
    }


def journals(folder: Path) -> Iterator[Path]:
    yield from folder.glob("solver/**/journal.jsonl")


def wait_for_the_end_of_removals(run: str) -> list[str]:
    for _ in range(20):
        left = left_in_the_engine(run)
        if not left:
            return []
        time.sleep(0.5)
    return left_in_the_engine(run)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, complained = process.communicate(timeout=1200)
    return process.returncode, complained


@pytest.mark.accept
def test_killed_at_twenty_moments_a_batch_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    chance = random.Random(8)
    with ModelServer(slowly) as server:
        bench: Site = site(tmp_path, ROWS, server.url)
        status, _, complained = bench.run(tmp_path / "whole", jobs=3)
        assert status == 0, complained
        calls = len(server.requests)
        began, kills = time.monotonic(), 0
        for _ in range(KILLS):
            process = bench.start(tmp_path / "killed", jobs=3)
            time.sleep(chance.uniform(0.5, 12))
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
        status, _, complained = bench.run(tmp_path / "killed", jobs=3)
        print(f"{kills} kills in {time.monotonic() - began:.0f} s")
        assert status == 0, complained
        again = len(server.requests) - calls

    assert kills == KILLS
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
    found = read_ledger(tmp_path / "killed")
    assert found.damage == []
    terminal = Counter(line.key for line in found.lines if line.state == "graded")
    assert (len(terminal), set(terminal.values())) == (ROWS, {1})

    unended = 0
    for path in journals(tmp_path / "killed"):
        recorded = read(path)
        assert all(sum(isinstance(each, Answer) for each in each) <= 1 for each in recorded.answers.values())
        unended += len(recorded.unended)
    assert unended <= kills * 3  # at most one in flight for each worker that died
    assert calls <= again <= calls + unended  # and they alone are asked for again
    print(f"{calls} calls undisturbed, {again} with {kills} kills, of which {unended} were in flight when killed")
    booked = sum(row.dollars or 0 for row in read_runs([tmp_path / "killed"]))
    paid = sum(row.dollars or 0 for row in read_runs([tmp_path / "whole"]))
    assert (booked > paid) == (unended > 0)  # what was in flight is booked at its worst case
    assert wait_for_the_end_of_removals("killed") == []


def test_stopped_once_and_twice_it_leaves_no_container_and_goes_on(tmp_path: Path) -> None:
    with ModelServer(slowly) as server:
        bench = site(tmp_path, 6, server.url)
        for wishes in (1, 2):
            process = bench.start(tmp_path / "run")
            _until_begun(tmp_path / "run", process)
            for _ in range(wishes):
                process.send_signal(signal.SIGINT)
                time.sleep(0.5)
            asked = time.monotonic()
            status, complained = ended(process)
            assert status == 130, complained
            if wishes == 2:
                assert time.monotonic() - asked < 25
            assert wait_for_the_end_of_removals("run") == []
            assert read_ledger(tmp_path / "run").damage == []
        status, _, complained = bench.run(tmp_path / "run")
        assert status == 0, complained
    assert {row.outcome for row in read_runs([tmp_path / "run"])} == {"resolved"}


def _until_begun(folder: Path, process: "subprocess.Popen[str]") -> None:
    """Until attempts are under way that no earlier start began."""
    before = _begun(folder)
    for _ in range(600):
        assert process.poll() is None
        if _begun(folder) > before:
            time.sleep(2)
            return
        time.sleep(0.1)
    raise AssertionError("nothing was begun in a minute")


def _begun(folder: Path) -> int:
    path = folder / "ledger.jsonl"
    return path.read_bytes().count(b'"solving"') if path.exists() else 0


def test_the_report_of_a_running_batch_is_its_state(tmp_path: Path) -> None:
    with ModelServer(slowly) as server:
        bench = site(tmp_path, 6, server.url)
        process = bench.start(tmp_path / "run", "--json")
        seen: list[int] = []
        while process.poll() is None:
            if (tmp_path / "run" / "ledger.jsonl").exists():
                found = read_ledger(tmp_path / "run")
                assert found.damage == []
                seen.append(len(History.of(found.lines).results()))
            time.sleep(0.2)
        said, events = process.communicate()
    assert json.loads(said)["resolved"] == 6
    assert {json.loads(line)["event"] for line in events.splitlines() if line.startswith("{")} >= {"begun", "graded"}
    assert len(set(seen)) > 2
    assert seen == sorted(seen)
