"""A benchmark of one's own: a small repository in a mirror, rows with hidden tests, a scripted team that mends it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_server import Act, Say
from team_site import ACCEPT, DONE, MEND, SHOP, TEST, role_of, typed

from sandbox.engine import connect

PROGRAM = "from agents.run.cli import main; main()"
TOP = Path(__file__).parents[1]
HIDDEN = """\
diff --git a/tests/test_total.py b/tests/test_total.py
new file mode 100644
--- /dev/null
+++ b/tests/test_total.py
@@ -0,0 +1,5 @@
+from shop.price import total
+
+
+def test_sums_all():
+    assert total([1, 2, 3]) == 6
"""
GOLD = """\
diff --git a/shop/price.py b/shop/price.py
--- a/shop/price.py
+++ b/shop/price.py
@@ -1,3 +1,3 @@
 def total(prices):
     \"\"\"The sum of all prices.\"\"\"
-    return sum(prices[1:])
+    return sum(prices)
"""
MODELS = """\
[model.scripted]
id = "scripted"
base_url = "{url}"
context = 100_000
output = 2_000
price = {{ input = 1, cached = 0.5, output = 2 }}
supports = ["tools", "schema"]
"""


def play(request: dict[str, Any]) -> Act:
    """Answers by what is asked alone, so that a repeated call gets the same answer."""
    match role_of(request):
        case "tester":
            return typed(TEST)
        case "reviewer":
            return typed(ACCEPT)
    steps = [Say(calls=[("view", {"path": "shop/price.py"})]), Say(calls=[MEND]), Say(calls=[DONE])]
    return steps[min(2, sum(message["role"] == "assistant" for message in request["messages"]))]


@dataclass(frozen=True)
class Site:
    """Everything that `solve bench` is given, in one folder."""

    folder: Path

    @property
    def rows(self) -> Path:
        return self.folder / "rows.jsonl"

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "SOLVE_MODELS": str(self.folder / "models.toml"),
            "SOLVE_CACHE_DIR": str(self.folder / "cache"),
            "SOLVE_OFFLINE": "1",
        }

    def start(
        self, out: Path, *more: str, models: Sequence[str] = ("scripted",), jobs: int = 2, engine: str = ""
    ) -> "subprocess.Popen[str]":
        """The batch as a program of its own; `engine` is the address of another than the usual one."""
        chosen = [part for model in models for part in ("--model", model)]
        command = [
            *(sys.executable, "-c", PROGRAM, "bench", str(self.rows), *chosen, "-j", str(jobs)),
            *("--mirrors", str(self.folder / "mirrors"), "--out", str(out), *more),
        ]
        environment = self.environment() | ({"DOCKER_HOST": engine} if engine else {})
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TOP, env=environment
        )

    def run(self, out: Path, *more: str, models: Sequence[str] = ("scripted",), jobs: int = 2) -> tuple[int, str, str]:
        with self.start(out, *more, models=models, jobs=jobs) as process:
            said, complained = process.communicate(timeout=1800)
        return process.returncode, said, complained


def site(folder: Path, rows: int, url: str, files: Mapping[str, str] = SHOP) -> Site:
    """`rows` rows that all have one base commit, and so one image."""
    commit = prepared(folder, url, files)
    made = Site(folder)
    made.rows.write_text("".join(json.dumps(fields(number, commit)) + "\n" for number in range(rows)))
    return made


def prepared(folder: Path, url: str, files: Mapping[str, str] = SHOP) -> str:
    """A mirror of a repository, its worktree in `work`, and a models.toml; returns the base commit."""
    work = folder / "work"
    for path, text in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], cwd=work, check=True)
    mirror = folder / "mirrors" / "org" / "shop.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(mirror)], check=True)
    (folder / "models.toml").write_text(MODELS.format(url=url))
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=work, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def fields(number: int, commit: str) -> dict[str, object]:
    return {
        "instance_id": f"org__shop-{number:03}",
        "repo": "org/shop",
        "base_commit": commit,
        "problem_statement": f"The first price is left out ({number})\n\ntotal([1, 2]) gives 2.",
        "patch": GOLD,
        "test_patch": HIDDEN,
        "FAIL_TO_PASS": ["tests/test_total.py::test_sums_all"],
        "PASS_TO_PASS": [],
    }


def left_in_the_engine(run: str) -> list[str]:
    """Ids of a run's containers."""
    client = connect()
    try:
        return [row["Id"] for row in client.api.containers(all=True, filters={"label": f"solve.run={run}"})]
    finally:
        client.close()
