"""The whole team with a scripted model on the demo's real bug, in docker: what `make accept-team` runs.

The issue comes without its test: the tester writes it, the harness sees it fail on the base, the coder mends, the
reviewer accepts, and the verdict is the harness's own. Prints calls, seconds and the verdict; exit status 0 if verified
and no container is left.
"""

import json
import os
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from docker_image import containers
from model_server import Act, ModelServer, Say
from team_site import role_of, typed

from agents.run.command import run_once
from agents.run.demo import CASES, Case
from agents.run.options import Options
from sandbox.release import Release

NAME = "boltons-bits-length"
TEST = {
    "path": "tests/test_bits_too_long.py",
    "code": (
        "import pytest\n\nfrom boltons.mathutils import Bits\n\n\n"
        "@pytest.mark.parametrize('value, length', [(16, 4), (256, 8), (1, 0)])\n"
        "def test_value_that_needs_one_more_bit_is_refused(value, length):\n"
        "    with pytest.raises(ValueError):\n        Bits(value, length)\n"
    ),
}
TURNS = [
    Say(
        calls=[
            ("search", {"query": "cannot be represented"}),
            ("run", {"command": "grep -n 'len_' boltons/mathutils.py"}),
        ]
    ),
    Say(
        calls=[
            (
                "edit",
                {"path": "boltons/mathutils.py", "search": "if val > 2 ** len_:", "replace": "if val >= 2 ** len_:"},
            )
        ]
    ),
    Say(calls=[("test", {"tests": []}), ("done", {"summary": "the largest value of n bits is 2**n - 1"})]),
]


def play(request: dict[str, Any]) -> Act:
    match role_of(request):
        case "tester":
            return typed(TEST)
        case "reviewer":
            return typed({"verdict": "accept", "reasons": "off by one, mended at its place"})
        case "probe":
            asked = request["messages"][-1]["content"]
            return Say(calls=[("ping", {"word": "pong"})]) if "tool" in asked else Say('{"word": "pong"}')
    return TURNS[sum(message["role"] == "assistant" for message in request["messages"])]


def main() -> int:
    kind = sys.argv[1] if len(sys.argv) > 1 else "docker"
    with tempfile.TemporaryDirectory(prefix="solve-team-") as scratch, ModelServer(play) as server:
        folder = Path(scratch)
        case = Case.model_validate(tomllib.loads((CASES / NAME / "case.toml").read_text("utf-8")))
        issue = (CASES / NAME / "issue.md").read_text("utf-8").partition("A test that shows it:")[0]
        (folder / "issue.md").write_text(issue)
        started = time.monotonic()
        options = Options(
            repo=Release(case.package, case.version, case.sha256).address,
            issue=str(folder / "issue.md"),
            model="scripted",
            base_url=server.url,
            sandbox=kind,  # type: ignore[arg-type]
            allow_unpriced=True,
            out=folder / f"team-demo-{os.getpid()}",
        )
        outcome = run_once(options)
        seconds = time.monotonic() - started
        left = containers(outcome.folder.name) if kind == "docker" else []
        requests = len(server.requests)
    row = {
        "verdict": outcome.verdict.verdict,
        "headline": outcome.verdict.headline,
        "ended": outcome.attempt.ended,
        "calls": requests,
        "tokens": outcome.attempt.cost.tokens_in + outcome.attempt.cost.tokens_out,
        "seconds": round(seconds, 1),
        "containers left": len(left),
        "patch": outcome.attempt.patch.decode(),
    }
    print(json.dumps(row, indent=1))
    return 0 if outcome.verdict.verdict == "verified" and not left else 1


if __name__ == "__main__":
    sys.exit(main())
