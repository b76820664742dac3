"""Ctrl-C and SIGTERM while models are asked: the program ends at once, and goes on from there when asked again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from bench_local import Local
from model_server import Act, ModelServer, Say
from team_site import SHOP, TEST, role_of, typed

from agents.run.bench_floor import asked_to_stop
from agents.run.signals import on_signals
from tasks.notice import Notice
from tasks.stop import Stop

HANGS = 60.0  # seconds until a server's reply: longer than any test waits
PROGRAM = "from agents.run.cli import main; main()"
PARTS = [
    {"id": name, "goal": f"goal of {name}", "files": [], "symbols": [], "check": "", "depends_on": [], "share": 50}
    for name in ("first", "second")
]


class Hanging:
    """Plans two subtasks, and never answers a coder."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.ended = threading.Event()

    def __call__(self, request: dict[str, Any]) -> Act:
        match role_of(request):
            case "probe":
                return Say("{}")
            case "tester":
                return typed(TEST)
            case "planner":
                return typed({"subtasks": PARTS})
        self.asked.release()
        self.ended.wait(HANGS)
        return Say("too late")


def repository(folder: Path) -> Path:
    for path, text in SHOP.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.mark.slow
def test_a_run_ends_though_two_coders_wait_for_their_models(tmp_path: Path) -> None:
    issue = "total() and label() are wrong\n\n- total() is 5\n- label() is lower\n- both need a line\n- of change\n"
    script, out = Hanging(), tmp_path / "run"
    with ModelServer(script) as server:
        command = [sys.executable, "-c", PROGRAM, "run", "--repo", str(repository(tmp_path / "shop")), "--issue", issue]
        command += ["--model", "m", "--base-url", server.url, "--allow-unpriced", "--sandbox", "local"]
        environment = {**os.environ, "SOLVE_CACHE_DIR": str(tmp_path / "cache"), "SOLVE_OFFLINE": "1"}
        process = subprocess.Popen([*command, "--out", str(out)], env=environment, stderr=subprocess.PIPE, text=True)
        try:
            for _ in PARTS:
                assert script.asked.acquire(timeout=100), process.stderr and process.stderr.read()
            process.send_signal(signal.SIGTERM)
            since = time.monotonic()
            _, said = process.communicate(timeout=HANGS)
            seconds = time.monotonic() - since
        finally:
            process.kill()
            process.communicate()
            script.ended.set()
    assert process.returncode == 130, said
    assert seconds < 10, "1 second on an idle machine"
    assert f"solve resume {out}" in said
    assert json.loads((out / "run.json").read_text())["exit_status"] == 130


def test_a_batch_asked_twice_waits_for_no_reply(tmp_path: Path) -> None:
    script, stop, notices = Hanging(), Stop(), list[Notice]()

    def ask_twice() -> None:
        assert script.asked.acquire(timeout=50)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)

    with ModelServer(script) as server, on_signals(lambda: asked_to_stop(stop, notices.append)):
        local = Local(tmp_path, server.url, stop=stop)
        batch = threading.Thread(target=local.run, args=(tmp_path / "run", 2, 2))
        batch.start()
        ask_twice()
        since = time.monotonic()
        batch.join(HANGS)
        seconds = time.monotonic() - since
        script.ended.set()
    assert seconds < 10, "half a second on an idle machine"
    assert "again to stop now" in notices[0].text
    assert notices[1].text == "stopping now"
