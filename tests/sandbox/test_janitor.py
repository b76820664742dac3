"""The janitor removes what dead owners left, by label, and touches nothing else."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker_image import containers, engine, find_image

from sandbox.api import Limits, Owner
from sandbox.janitor import clean, clean_own
from sandbox.labels import Labels, start_of

HARNESS = """
import sys, time
from docker_image import find_image
from sandbox.api import Owner
from sandbox.docker import DockerSandbox
with DockerSandbox(find_image(), owner=Owner(sys.argv[1], "task")) as sandbox:
    print("up", flush=True)
    sandbox.exec("sleep 1000", timeout=1000)
"""

DOOR = """
import sys, threading, time
from docker_image import find_image
from sandbox.api import Owner, SandboxError
from sandbox.docker import DockerSandbox
from sandbox.janitor import clean_own
with DockerSandbox(find_image(), owner=Owner(sys.argv[1], "task")) as sandbox:
    def wait():
        try:
            sandbox.exec("sleep 1000", timeout=1000)
        except SandboxError as error:
            print(type(error).__name__)
    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    print(*[one.reason for one in clean_own()], flush=True)
    thread.join()
"""


def labels(**other: object) -> Labels:
    return replace(Labels.mine(Owner("run", "task"), Limits()), **other)  # type: ignore[arg-type]


def dead_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_labels_come_back_as_they_went() -> None:
    mine = labels(expires=1234.0)
    assert Labels.parse(mine.text()) == mine
    assert mine.is_mine()


@pytest.mark.parametrize("missing", sorted(labels().text()))
def test_what_lacks_a_label_is_not_ours(missing: str) -> None:
    text = labels().text()
    del text[missing]
    assert Labels.parse(text) is None


def test_an_owner_is_judged_by_process_start_and_machine() -> None:
    assert not labels().orphaned()
    assert labels(owner=dead_process()).orphaned()
    assert labels(started="1").orphaned()  # the process id was given out again
    assert not labels(owner=1, started=start_of(1)).orphaned()  # another user's live process, for all but root
    assert not labels(owner=dead_process(), host="another-boot/pid:[1]").orphaned()  # who knows?


def test_without_an_engine_there_is_nothing_to_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert clean() == []
    assert clean_own() == []


@pytest.fixture
def run() -> Iterator[str]:
    name = f"test-{uuid.uuid4()}"
    yield name
    with engine() as client:
        for container in containers(name):
            client.api.remove_container(container, force=True)


def leave(text: dict[str, str]) -> str:
    """A container as some owner left it."""
    with engine() as client:
        made = client.api.create_container(find_image().ref, ["sleep", "100"], labels=text)
        client.api.start(made["Id"])
    return str(made["Id"])


@pytest.mark.docker
def test_only_the_dead_and_the_expired_go(run: str) -> None:
    dead = leave(labels(run=run, owner=dead_process()).text())
    old = leave(labels(run=run, host="another", expires=time.time() - 5).text())
    live = leave(labels(run=run).text())
    elsewhere = leave(labels(run=run, owner=dead_process(), host="another").text())
    partly = leave({"solve.run": run, "solve.owner": "1"})
    foreign = leave({"solve.run": run, "somebody.owner": str(dead_process())})
    removed = {one.id: one.reason for one in clean() if one.run == run}
    assert removed == {dead: "owner dead", old: "expired"}
    assert set(containers(run)) == {live, elsewhere, partly, foreign}
    assert [one for one in clean() if one.run == run] == []


def with_tests() -> dict[str, str]:
    tests = Path(__file__).parent.parent
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests)])}


def started(run: str) -> subprocess.Popen[bytes]:
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, run],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=with_tests(),
    )
    assert harness.stdout
    assert harness.stdout.readline() == b"up\n"
    harness.stdout.close()
    return harness


@pytest.mark.docker
def test_a_killed_harness_is_cleaned_up_after(run: str) -> None:
    harness = started(run)
    assert [one for one in clean() if one.run == run] == []
    harness.kill()
    harness.wait()
    assert len(containers(run)) == 1
    assert [(one.run, one.task, one.reason) for one in clean() if one.run == run] == [(run, "task", "owner dead")]
    assert containers(run) == []


@pytest.mark.docker
def test_ctrl_c_leaves_no_container_after_two_seconds(run: str) -> None:
    harness = started(run)
    time.sleep(0.3)
    harness.send_signal(signal.SIGINT)
    began = time.monotonic()
    while containers(run) and time.monotonic() - began < 10:
        time.sleep(0.05)
    assert time.monotonic() - began < 2
    assert harness.wait(10) != 0


@pytest.mark.docker
def test_the_door_removes_what_its_threads_still_use(run: str) -> None:
    """In a process of its own: it takes all sandboxes of the process, and those of other tests would be among them."""
    other = leave(labels(run=run).text())
    done = subprocess.run([sys.executable, "-c", DOOR, run], env=with_tests(), capture_output=True, text=True)
    assert sorted(done.stdout.split()) == ["SandboxUnavailable", "own"], done.stderr
    assert containers(run) == [other]
