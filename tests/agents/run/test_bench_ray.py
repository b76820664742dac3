"""A batch on a cluster of two nodes: one is killed, the driver is killed, and every attempt ends once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tasks.history import History
from tasks.ledger import read

pytestmark = pytest.mark.accept

TESTS = Path(__file__).parents[2]
TASKS, SECONDS = 40, 1.5


def program(name: str, *arguments: str, stdin: int | None = None) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    command = [sys.executable, str(TESTS / name), *arguments]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, text=True, env=environment, cwd=TESTS.parent)


class Nodes:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address = self._read()

    def kill_one(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("kill\n")
        self._process.stdin.flush()
        assert self._read() == "killed"

    def _read(self) -> str:
        out: IO[str] | None = self._process.stdout
        assert out is not None
        return out.readline().strip()


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    pytest.importorskip("ray")
    with program("ray_cluster.py", stdin=subprocess.PIPE) as process:
        yield Nodes(process)
        assert process.stdin is not None
        process.stdin.close()


def begun(folder: Path) -> int:
    path = folder / "starts"
    return len(path.read_text().splitlines()) if path.exists() else 0


def wait_for(folder: Path, starts: int) -> None:
    for _ in range(600):
        if begun(folder) >= starts:
            return
        time.sleep(0.1)
    raise AssertionError(f"{begun(folder)} starts in a minute")


def test_a_node_is_killed_and_the_driver_is_killed(nodes: Nodes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with program("ray_batch.py", str(folder), nodes.address, str(TASKS), str(SECONDS)) as driver:
        wait_for(folder, 12)
        driver.send_signal(signal.SIGKILL)
    done = sum(standing.done for standing in History.of(read(folder).lines).standings.values())
    assert 0 < done < TASKS

    before = begun(folder)
    with program("ray_batch.py", str(folder), nodes.address, str(TASKS), str(SECONDS)) as driver:
        wait_for(folder, before + 6)
        nodes.kill_one()
        said, _ = driver.communicate(timeout=240)
    print(said, f"{begun(folder)} starts for {TASKS} attempts")
    assert driver.returncode == 0
    found = read(folder)
    assert found.damage == []
    terminal = Counter(line.key for line in found.lines if line.state == "graded")
    assert (len(terminal), set(terminal.values())) == (TASKS, {1})
    assert {row.outcome for row in History.of(found.lines).results()} == {"resolved"}
