"""`solve bench` in real containers whose engine goes away, and with code that would take the machine with it."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from bench_site import play, site
from engine_proxy import EngineProxy
from model_server import Act, ModelServer, Say
from team_site import DONE, role_of

from tasks.history import read_runs
from tasks.ledger import read

pytestmark = [pytest.mark.docker, pytest.mark.accept]

# What a model puts into the code under test, by the row's number.
HOSTILE = {
    0: "x = bytearray(64 << 30)",  # more memory than a container has
    1: "import os\nfor _ in range(12):\n    os.fork()",  # eight times more than a container may have, then they end
    2: "import os\nfor _ in range(10 << 10):\n    os.write(1, b'x' * (1 << 20))",  # 10 GB
}


def hostile(request: dict[str, Any]) -> Act:
    """Row 3 runs a command that does not end; of the others, some hand in code that harms."""
    text = str(request["messages"])
    number = next((n for n in range(6) if f"left out ({n})" in text), 5)
    done = sum(message["role"] == "assistant" for message in request["messages"])
    if role_of(request) != "coder" or number > 3:
        return play(request)
    if number == 3 and done == 0:
        return Say(calls=[("run", {"command": "sleep 100000", "seconds": 3})])
    if number == 3:
        return play(request)
    code = f"{HOSTILE[number]}\n\n\ndef total(prices):\n    return sum(prices)\n"
    steps = [Say(calls=[("create", {"path": "shop/price.py", "content": code})]), Say(calls=[DONE])]
    return steps[min(done, 1)]


def test_code_that_takes_all_it_can_spoils_its_own_row_alone(tmp_path: Path) -> None:
    with ModelServer(hostile) as server:
        bench = site(tmp_path, 6, server.url)
        status, _, complained = bench.run(tmp_path / "run", "--json")
    found = {row.instance_id[-1]: row for row in read_runs([tmp_path / "run"])}
    print({number: (row.outcome, row.cause, row.early) for number, row in found.items()})
    assert status in (0, 3), complained
    assert {number: found[number].outcome for number in "345"} == dict.fromkeys("345", "resolved")
    assert not any(found[number].resolved for number in "01")
    assert len(found) == 6


def begun(folder: Path) -> None:
    for _ in range(600):
        if (folder / "ledger.jsonl").exists() and read(folder).lines[-1].state != "planned":
            return
        time.sleep(0.1)
    raise AssertionError("nothing was begun in a minute")


def test_an_engine_that_stops_and_comes_back_costs_no_attempt(tmp_path: Path) -> None:
    socket = tmp_path / "engine.sock"
    with ModelServer(play) as server:
        bench = site(tmp_path, 4, server.url)
        assert bench.run(tmp_path / "warm", "--slice", ":1")[0] == 0  # its image is made
        with EngineProxy(socket) as first:
            process = bench.start(tmp_path / "run", engine=first.url)
            begun(tmp_path / "run")
            time.sleep(6)
            first.cut()
            time.sleep(10)
        with EngineProxy(socket):
            _, complained = process.communicate(timeout=600)
    assert process.returncode == 0, complained
    assert {row.outcome for row in read_runs([tmp_path / "run"])} == {"resolved"}
    failed = [line.early for line in read(tmp_path / "run").lines if line.state == "failed"]
    print(f"failed meanwhile: {failed}")
    assert set(failed) <= {"engine", "sandbox"}
    assert failed


def test_an_engine_that_is_killed_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    socket = tmp_path / "engine.sock"
    with ModelServer(play) as server:
        bench = site(tmp_path, 3, server.url)
        with EngineProxy(socket) as proxy:
            process = bench.start(tmp_path / "run", engine=proxy.url)
            begun(tmp_path / "run")
            time.sleep(5)
            proxy.cut()
            time.sleep(3)
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            _, complained = process.communicate(timeout=120)
        assert process.returncode == 130, complained
        status, _, complained = bench.run(tmp_path / "run")
    assert status == 0, complained
    assert {row.outcome for row in read_runs([tmp_path / "run"])} == {"resolved"}


def test_a_full_disk_ends_the_batch_which_goes_on_when_there_is_room(tmp_path: Path) -> None:
    image, small = tmp_path / "disk.img", tmp_path / "small"
    small.mkdir()
    subprocess.run(["truncate", "-s", "4M", str(image)], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", str(image)], check=True, capture_output=True)
    mounted = subprocess.run(["mount", "-o", "loop", str(image), str(small)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no loop device here: {mounted.stderr.decode().strip()}")
    try:
        filler = small / "filler"
        with ModelServer(play) as server:
            bench = site(tmp_path, 3, server.url)
            free = int(subprocess.run(["stat", "-f", "-c", "%a", str(small)], capture_output=True, check=True).stdout)
            block = int(subprocess.run(["stat", "-f", "-c", "%S", str(small)], capture_output=True, check=True).stdout)
            filler.write_bytes(b"x" * (free * block - (150 << 10)))  # 150 KiB are left
            status, _, complained = bench.run(small / "run")
            print(status, complained.splitlines()[-1])
            assert status == 3
            filler.unlink()
            status, _, complained = bench.run(small / "run")
            assert status == 0, complained
        assert {row.outcome for row in read_runs([small / "run"])} == {"resolved"}
    finally:
        subprocess.run(["umount", str(small)], check=True)
