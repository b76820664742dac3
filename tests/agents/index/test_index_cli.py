import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from index_trees import SHOP, commit_tree, run_git
from model_server import Act, ModelServer, Say
from typer.testing import CliRunner, Result

from agents.run.index import app
from sandbox.api import BadInput

ISSUE = "Total of a basket is off by a cent\nCalling `Basket.total()` truncates; it should round half up.\n"
FIX = """\
diff --git a/shop/prices.py b/shop/prices.py
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -7,2 +7,2 @@
     \"\"\"Two decimals.\"\"\"
-    return int(amount * 100) / 100
+    return round(amount, 2)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    commit_tree(tmp_path / "shop", SHOP)
    return tmp_path / "shop"


def solve_index(tmp_path: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(app, arguments, env={"SOLVE_CACHE_DIR": str(tmp_path / "cache")}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def rows_and_mirrors(tmp_path: Path, shop: Path) -> tuple[str, str]:
    (tmp_path / "mirrors" / "acme").mkdir(parents=True)
    run_git(tmp_path, "clone", "-q", "--bare", str(shop), "mirrors/acme/shop.git")
    row = {
        "instance_id": "acme__shop-1",
        "repo": "acme/shop",
        "base_commit": run_git(shop, "rev-parse", "HEAD"),
        "problem_statement": ISSUE,
        "patch": FIX,
        "test_patch": "",
        "FAIL_TO_PASS": "[]",
        "PASS_TO_PASS": "[]",
        "version": "1",
    }
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    return str(tmp_path / "rows.jsonl"), str(tmp_path / "mirrors")


def test_eval_prints_the_contract(tmp_path: Path, shop: Path) -> None:
    rows, mirrors = rows_and_mirrors(tmp_path, shop)
    found = json.loads(solve_index(tmp_path, "eval", rows, "--mirrors", mirrors, "--json").stdout)
    assert set(found["file"]) == {"recall@1", "recall@3", "recall@5", "recall@10"}
    assert set(found["function"]) == {"recall@1", "recall@5", "recall@10", "recall@20"}
    assert found["file"]["recall@3"] == found["function"]["recall@5"] == 1.0
    assert (found["n"], found["repositories"]["acme/shop"]["n"]) == (1, 1)
    assert 0 < found["cpu_s"] < 5
    assert "minus BM25 over whole files" in solve_index(tmp_path, "eval", rows, "--mirrors", mirrors).stdout


def test_fit_writes_weights_that_say_from_what_they_came_and_reports_on_the_other_half(
    tmp_path: Path, shop: Path
) -> None:
    rows, mirrors = rows_and_mirrors(tmp_path, shop)
    out = str(tmp_path / "weights.json")
    with pytest.raises(BadInput, match="no two rows"):
        solve_index(tmp_path, "fit", rows, "--mirrors", mirrors, "--out", out)
    one = Path(rows).read_text()
    Path(rows).write_text(one + one.replace("shop-1", "shop-2"))
    found = json.loads(solve_index(tmp_path, "fit", rows, "--mirrors", mirrors, "--out", out, "--json").stdout)
    assert (found["n"], found["file"]["recall@3"]) == (2, 1.0)
    assert json.loads(Path(out).read_text())["about"].startswith("2 rows of rows.jsonl")


def test_query_prints_only_json_and_build_says_what_was_left_out(tmp_path: Path, shop: Path) -> None:
    issue = ISSUE + "The shop pays no refund then.\n"
    found = json.loads(solve_index(tmp_path, "query", "--repo", str(shop), "--issue", issue, "--json").stdout)
    assert found["files"][0]["path"] == "shop/basket.py"
    assert {"path", "name", "kind", "line", "last", "score", "why"} == set(found["symbols"][0])
    assert found["documents"][0]["path"] == "docs/refunds.md"
    (shop / "logo.png").write_bytes(b"\x89PNG")
    built = json.loads(solve_index(tmp_path, "build", "--repo", str(shop), "--json").stdout)
    assert built["skipped"] == [{"path": "logo.png", "why": "not source or prose"}]
    assert built["parsed"] == 0


def test_tables_for_a_person(tmp_path: Path, shop: Path) -> None:
    assert "shop/basket.py" in solve_index(tmp_path, "query", "--repo", str(shop), "--issue", ISSUE).stdout
    assert "5 files" in solve_index(tmp_path, "build", "--repo", str(shop)).stdout
    assert "def rounded(amount):" in solve_index(tmp_path, "map", "--repo", str(shop), "--tokens", "300").stdout


def test_a_missing_mirror_says_how_to_mend_it(tmp_path: Path, shop: Path) -> None:
    rows, _ = rows_and_mirrors(tmp_path, shop)
    with pytest.raises(BadInput, match="git clone --mirror"):
        solve_index(tmp_path, "eval", rows, "--mirrors", str(tmp_path), "--json")


@pytest.mark.slow
def test_a_model_puts_the_best_in_order_and_is_measured_apart(tmp_path: Path, shop: Path) -> None:
    rows, mirrors = rows_and_mirrors(tmp_path, shop)

    def last_first(request: dict[str, Any]) -> Act:
        if not any("## Files" in str(message["content"]) for message in request["messages"]):
            return Say("no tools, no forms")  # a probe
        return Say('{"files": [3, 99, 3], "symbols": []}')

    with ModelServer(last_first) as server:
        model = ("--rerank", "m", "--base-url", server.url)
        plain = json.loads(solve_index(tmp_path, "query", "--repo", str(shop), "--issue", ISSUE, "--json").stdout)
        asked = ("query", "--repo", str(shop), "--issue", ISSUE, "--json", *model)
        found = json.loads(solve_index(tmp_path, *asked).stdout)
        assert [file["path"] for file in found["files"]] == [plain["files"][place]["path"] for place in (2, 0, 1)]
        assert found["files"][0]["why"][0] == "a model's choice"
        assert found["symbols"] == plain["symbols"]
        figures = json.loads(solve_index(tmp_path, "eval", rows, "--mirrors", mirrors, "--json", *model).stdout)
        assert set(figures["reranked"]["file"]) == set(figures["file"])
        assert figures["reranked"]["mrr"] != figures["mrr"]


def test_the_program_starts_without_what_a_query_does_not_need() -> None:
    loaded = "print([name for name in sys.argv[1:] if name in sys.modules])"
    program = f"import sys, agents.run.cli, agents.run.commands; {loaded}"
    slow = ("pydantic", "httpx", "numpy", "git", "docker", "langgraph", "openai", "rich.console")
    done = subprocess.run([sys.executable, "-c", program, *slow], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout
