"""What the harness itself needs: at most 150 MB, and 20 MB more for each task in flight."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from model_server import Act, ModelServer, Say
from team_site import ACCEPT, DONE, MEND, TEST, role_of, typed

TESTS = Path(__file__).parents[1]


def play(request: dict[str, Any]) -> Act:
    match role_of(request):
        case "tester":
            return typed(TEST)
        case "reviewer":
            return typed(ACCEPT)
        case "probe":
            return Say(calls=[("ping", {"word": "pong"})]) if "tools" in request else Say('{"word": "pong"}')
    return Say(calls=[MEND, DONE])


@pytest.mark.slow
@pytest.mark.parametrize("tasks", [1, 8])
def test_peak_memory_is_bounded(tmp_path: Path, tasks: int) -> None:
    with ModelServer(play) as server:
        program = [sys.executable, str(TESTS / "team_memory.py"), str(tmp_path), server.url, str(tasks)]
        done = subprocess.run(program, cwd=TESTS.parent, capture_output=True, text=True, check=True, timeout=300)
    peak = int(done.stdout)
    assert peak <= 150 + 20 * tasks, f"{peak} MB"
