"""kill -9 at any instant, then the same command: the same patch, and nothing paid twice."""

import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from docker_image import baked_with_pytest, containers
from model_server import Act, ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, World, role_of, typed

from agents.record import Answer, read

TESTS = Path(__file__).parents[1]
LOOK = ("view", {"path": "shop/price.py"})
CODER = [Say(calls=[LOOK]), Say(calls=[("run", {"command": "echo hi"})]), Say(calls=[MEND]), Say(calls=[DONE])]


def play(request: dict[str, Any]) -> Act:
    """Answers by what is asked alone, so that a repeated call gets the same answer. Slowly, to be killed in between."""
    time.sleep(0.05)
    match role_of(request):
        case "tester":
            return typed(TEST)
        case "reviewer":
            return typed(ACCEPT)
    return CODER[sum(message["role"] == "assistant" for message in request["messages"])]


def start(folder: Path, url: str, *image: str) -> "subprocess.Popen[str]":
    program = [sys.executable, str(TESTS / "team_process.py"), str(folder), url, *image]
    return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=TESTS.parent)


def killed_and_resumed(folder: Path, url: str, after: float, *image: str) -> None:
    first = start(folder, url, *image)
    assert first.stdout is not None
    assert first.stdout.readline() == "working\n"
    time.sleep(after)
    first.kill()
    first.wait()
    first.stdout.close()
    with start(folder, url, *image) as second:
        out, _ = second.communicate(timeout=300)
    assert out.splitlines()[-1] == "patched"


def answered_twice(folder: Path) -> list[str]:
    """Requests with more than one answer in the journal: an answer that was there was paid again."""
    recorded = read(folder / "run" / "journal.jsonl")
    answers = Counter({key: sum(isinstance(a, Answer) for a in found) for key, found in recorded.answers.items()})
    return [key for key, count in answers.items() if count > 1]


def killed_at_moments(folder: Path, moments: int, *image: str) -> None:
    chance = random.Random(moments)
    patches = set()
    with ModelServer(play) as server:
        whole = folder / "whole"
        with start(whole, server.url, *image) as process:
            assert process.stdout is not None
            process.stdout.readline()
            started = time.monotonic()
            process.communicate(timeout=300)
        length = time.monotonic() - started
        patches.add((whole / "patch.diff").read_bytes())
        calls = len(server.requests)
        for number in range(moments):
            place = folder / str(number)
            before = len(server.requests)
            killed_and_resumed(place, server.url, chance.uniform(0, length), *image)
            patches.add((place / "patch.diff").read_bytes())
            assert answered_twice(place) == []
            # At most one call was on its way when the process died: it alone is repeated.
            assert calls <= len(server.requests) - before <= calls + 1
            recorded = read(place / "run" / "journal.jsonl")
            assert len(recorded.unended) <= 1
    assert len(patches) == 1
    assert b"return sum(prices)\n" in patches.pop()


@pytest.mark.slow
def test_killed_at_random_moments_the_run_ends_with_the_same_patch(tmp_path: Path) -> None:
    killed_at_moments(tmp_path, 20)


@pytest.mark.docker
@pytest.mark.accept
def test_killed_at_random_moments_in_containers_none_is_left(tmp_path: Path) -> None:
    world = World(tmp_path / "tree")
    run = f"kill-{uuid.uuid4().hex[:8]}"
    with baked_with_pytest(world.workspace.folder, tmp_path) as image:
        killed_at_moments(tmp_path, 20, image.ref, run)
    assert containers(run) == []
