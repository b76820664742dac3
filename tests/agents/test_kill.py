"""kill -9 at any instant, then the same command: the same patch, and nothing paid twice."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from model_server import Act, ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, role_of, typed

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


def start(folder: Path, url: str) -> "subprocess.Popen[str]":
    program = [sys.executable, str(TESTS / "team_process.py"), str(folder), url]
    return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=TESTS.parent)


def killed_and_resumed(folder: Path, url: str, after: float) -> None:
    first = start(folder, url)
    assert first.stdout is not None
    assert first.stdout.readline() == "working\n"
    time.sleep(after)
    first.kill()
    first.wait()
    first.stdout.close()
    with start(folder, url) as second:
        out, _ = second.communicate(timeout=120)
    assert out.splitlines()[-1] == "patched"


def answered_twice(folder: Path) -> list[str]:
    """Requests with more than one answer in the journal: an answer that was there was paid again."""
    recorded = read(folder / "run" / "journal.jsonl")
    answers = Counter({key: sum(isinstance(a, Answer) for a in found) for key, found in recorded.answers.items()})
    return [key for key, count in answers.items() if count > 1]


@pytest.mark.slow
@pytest.mark.parametrize("moments", [20])
def test_killed_at_random_moments_the_run_ends_with_the_same_patch(tmp_path: Path, moments: int) -> None:
    chance = random.Random(moments)
    patches = set()
    with ModelServer(play) as server:
        whole = tmp_path / "whole"
        started = time.monotonic()
        with start(whole, server.url) as process:
            process.communicate(timeout=120)
        length = time.monotonic() - started
        patches.add((whole / "patch.diff").read_bytes())
        calls = len(server.requests)
        for number in range(moments):
            folder = tmp_path / str(number)
            before = len(server.requests)
            killed_and_resumed(folder, server.url, chance.uniform(0, length * 0.7))
            patches.add((folder / "patch.diff").read_bytes())
            assert answered_twice(folder) == []
            # At most one call was on its way when the process died: it alone is repeated.
            assert calls <= len(server.requests) - before <= calls + 1
            recorded = read(folder / "run" / "journal.jsonl")
            assert len(recorded.unended) <= 1
    assert len(patches) == 1
    assert b"return sum(prices)\n" in patches.pop()
