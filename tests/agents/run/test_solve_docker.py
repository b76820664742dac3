"""`solve run` as a program, in real sandboxes, with environments made from the package index."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from engine_proxy import EngineProxy
from local_site import CODE, SHOWS, TEST, project

from sandbox.engine import connect
from sandbox.git import HostGit
from sandbox.workspace import IDENTITY

pytestmark = pytest.mark.docker
SOLVE = f"{sys.prefix}/bin/solve"
ISSUE = f"# area adds where it should multiply\n\n```python\n# tests/test_area.py\n{SHOWS}```\n"
SLOW = "import time\n\n\ndef test_slow():\n    time.sleep(30)\n"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    tree = project(folder, {"pyproject.toml": '[project]\nname = "shapes"\nversion = "1"\n', **files})
    git = HostGit(tree / ".git", tree)
    git("init", "--quiet", "--initial-branch=main", str(tree))
    git("add", "--all")
    git("commit", "--quiet", "--message", "first", environment=IDENTITY)
    return tree


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    return repository(tmp_path / "shapes", {"shapes.py": CODE, "tests/test_shapes.py": TEST})


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    return repository(tmp_path / "slow", {"shapes.py": CODE, "tests/test_slow.py": SLOW})


def command(tree: Path, out: Path, *more: str) -> list[str]:
    return [SOLVE, "run", "--repo", str(tree), "--issue", ISSUE, "--out", str(out), *more]


def environment(cache: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "SOLVE_CACHE_DIR": str(cache), **more}


def containers(run: str) -> list[str]:
    client = connect()
    try:
        found = client.api.containers(all=True, filters={"label": f"solve.run={run}"})
        return [item["Id"] for item in found]
    finally:
        client.close()


def in_baseline(out: Path) -> bool:
    events = out / "events.jsonl"
    return events.exists() and '"baseline"' in events.read_text()


@pytest.mark.parametrize("kind", ["docker", "bubblewrap"])
def test_a_bug_is_found_mended_and_verified(kind: str, shapes: Path, tmp_path: Path, cache: Path) -> None:
    out = tmp_path / f"run-{uuid4().hex}"  # other runs on this machine have containers too
    more = ("--sandbox", kind, "--json", "--apply", "--branch", "solve/area")
    done = subprocess.run(
        command(shapes, out, *more), env=environment(cache), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["verdict"], result["author"], result["sandbox"]) == ("verified", "issue", kind)
    assert "return width * height" in (shapes / "shapes.py").read_text()
    git = HostGit(shapes / ".git", shapes)
    assert "shapes.py" in git.text("diff", "--name-only", "main", "solve/area")
    evidence = json.loads((out / "verdict.json").read_text())
    assert evidence["base"][0]["tests"]["tests/test_area.py::test_area"]["status"] == "failed"
    assert containers(out.name) == []


@pytest.fixture
def started(slow: Path, tmp_path: Path, cache: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run in the middle of its base tests, in containers."""
    out = tmp_path / f"run-{os.getpid()}-{time.monotonic_ns()}"
    process = subprocess.Popen(
        command(slow, out, "--sandbox", "docker"), env=environment(cache), stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 240
        while not in_baseline(out):
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        while len(containers(out.name)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.run = out  # type: ignore[attr-defined]
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_no_container_and_says_so(
    started: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    out: Path = started.run  # type: ignore[attr-defined]
    started.send_signal(number)
    since = time.monotonic()
    while containers(out.name):
        assert time.monotonic() < since + 10
    gone = time.monotonic() - since
    assert started.wait(20) == 130
    assert gone < 4, "2 seconds on an idle machine"
    run = json.loads((out / "run.json").read_text())
    assert (run["exit_status"], bool(run["ended"])) == (130, True)
    assert not (out / "verdict.json").exists()


def test_what_a_killed_run_left_is_removed_by_the_next_start(
    started: subprocess.Popen[bytes], shapes: Path, tmp_path: Path, cache: Path
) -> None:
    out: Path = started.run  # type: ignore[attr-defined]
    started.kill()
    started.wait()
    assert len(containers(out.name)) == 2
    assert json.loads((out / "run.json").read_text())["ended"] is None
    done = subprocess.run(
        command(shapes, tmp_path / "next", "--sandbox", "docker"),
        env=environment(cache),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert containers(out.name) == []


def test_an_engine_that_dies_in_the_middle_is_infrastructure(slow: Path, tmp_path: Path, cache: Path) -> None:
    with EngineProxy(tmp_path / "engine.sock") as proxy:
        env = environment(cache, DOCKER_HOST=proxy.url)
        out = tmp_path / "run"
        process = subprocess.Popen(
            command(slow, out, "--sandbox", "docker"), env=env, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 240
        while not in_baseline(out):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(2)
        proxy.cut()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert json.loads((out / "verdict.json").read_text())["verdict"] == "infra_error"
    assert "Traceback" not in err


def test_a_full_disk_is_infrastructure_and_says_so(shapes: Path, tmp_path: Path, cache: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], check=True)
    try:
        done = subprocess.run(
            command(shapes, small / "run", "--sandbox", "docker"),
            env=environment(cache), capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == 3, done.stderr
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
