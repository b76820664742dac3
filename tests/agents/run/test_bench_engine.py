"""`solve bench` in real containers whose engine goes away, and with code that would take the machine with it."""

import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench_site import Site, left_in_the_engine, play, site
from engine_proxy import EngineProxy
from model_server import Act, ModelServer, Say
from team_site import DONE, role_of

from agents.run import grading
from agents.run.arguments import PYTHON_IMAGE
from agents.run.batch import Batch
from agents.run.bench import exit_status
from agents.run.bench_floor import Machine, this_machine
from agents.run.bench_run import run
from sandbox.api import MEBIBYTE, Limits
from sandbox.docker import DockerSandbox
from tasks.environment import Place
from tasks.history import read_runs
from tasks.ledger import read
from tasks.purse import Allowances
from tasks.row import Row
from tasks.rundir import new_id

pytestmark = [pytest.mark.docker, pytest.mark.accept]

# What a model does, by the row's number: it writes code, or it runs a command.
HOSTILE_CODE = {
    0: "hoard = []\nwhile True:\n    hoard.append(b'x' * (16 << 20))",  # until the kernel ends it
    1: "import os, time\nwhile True:\n    if os.fork() == 0:\n        time.sleep(3600)",  # until it gets no more
    5: "import time\nwhile True:\n    time.sleep(1)",
}
HOSTILE_COMMAND = {2: "head -c 10G /dev/zero"}
NARROW = Limits(processes=64, memory=512 * MEBIBYTE, tmp=128 * MEBIBYTE)  # what it takes is not missed by others
TESTS = 15.0  # seconds for a row's tests


def hostile(request: dict[str, Any]) -> Act:
    text = str(request["messages"])
    number = next((n for n in range(6) if f"left out ({n})" in text), 4)
    done = sum(message["role"] == "assistant" for message in request["messages"])
    if role_of(request) != "coder":
        return play(request)
    if number in HOSTILE_CODE:
        code = f"{HOSTILE_CODE[number]}\n\n\ndef total(prices):\n    return sum(prices)\n"
        steps = [Say(calls=[("create", {"path": "shop/price.py", "content": code})]), Say(calls=[DONE])]
        return steps[min(done, 1)]
    if number in HOSTILE_COMMAND and done == 0:
        return Say(calls=[("run", {"command": HOSTILE_COMMAND[number], "seconds": 20})])
    return play(request)


def narrow() -> Machine:
    """This machine, with containers and times that are soon used up."""
    here = this_machine()

    def placed(row: Row, options: grading.Options) -> Place:
        place = here.place(row, options)
        return replace(place, harness=replace(place.harness, timeout=TESTS))

    return replace(here, place=placed, open=lambda image, owner: DockerSandbox(image, limits=NARROW, owner=owner))


def came_of(bench: Site, ids: str, seconds: float) -> dict[int, tuple[str, str, str | None]]:
    """What a batch of these rows came to, in containers that are narrow, by the row's number."""
    folder = bench.folder / new_id("hostile")  # containers are known by it, and others may test here too
    options = grading.Options(
        str(bench.rows), ids, "", "", None, bench.folder / "mirrors", PYTHON_IMAGE, 3, folder, False
    )
    came = run(Batch(options, ("scripted",), 1, Allowances(seconds=seconds)), narrow(), bench.environment())
    assert exit_status(came) == 0  # every attempt has a verdict
    assert left_in_the_engine(folder.name) == []
    return {int(row.instance_id[-1]): (row.outcome, row.cause, row.early) for row in came.results}


def test_code_that_takes_all_it_can_spoils_its_own_row_alone(tmp_path: Path) -> None:
    with ModelServer(hostile) as server:
        found = came_of(site(tmp_path, 5, server.url), "", 1800.0)
    print(found)
    assert {number: found.pop(number) for number in (2, 3, 4)} == dict.fromkeys((2, 3, 4), ("resolved", "", None))
    assert {number: (outcome, early) for number, (outcome, _, early) in found.items()} == dict.fromkeys(
        (0, 1), ("unresolved", None)
    )


def test_code_that_never_ends_has_the_time_of_its_attempt_and_no_more(tmp_path: Path) -> None:
    began = time.monotonic()
    with ModelServer(hostile) as server:
        found = came_of(site(tmp_path, 6, server.url), "org__shop-005", 30.0)
    print(found, f"{time.monotonic() - began:.0f} s")
    assert (found[5][0], found[5][2]) == ("unresolved", "time")


def begun(folder: Path) -> None:
    for _ in range(600):
        if (folder / "ledger.jsonl").exists() and {line.state for line in read(folder).lines} - {"planned"}:
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
