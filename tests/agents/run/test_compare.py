"""A pinned solver and a candidate on the same rows, side by side."""

import json
from pathlib import Path

import pytest
from report_runs import result

from agents.run.batch import Came
from agents.run.compare import differing, show
from tasks.results import Results


def came(folder: Path) -> Came:
    rows = [result("old", 0), result("new", 0), result("old", 1), result("new", 1, outcome="unresolved")]
    rows += [result("old", 2, outcome="infra_error"), result("new", 2)]
    for row in rows:
        Results(folder).add(row)
    return Came(folder, rows, len(rows), 0, "", by_person=False)


def test_the_rows_on_which_they_differ(tmp_path: Path) -> None:
    assert differing(came(tmp_path).results, "old") == [
        ("org__calc-001", "1 of 1", "0 of 1"),
        ("org__calc-002", "0 of 1", "1 of 1"),
    ]


def test_side_by_side_on_a_terminal_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = came(tmp_path)
    show(found, "old", "new", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert {line["solver"] for line in told["solvers"]} == {"old", "new"}
    assert [row["row"] for row in told["differing"]] == ["org__calc-001", "org__calc-002"]
    assert told["drift"]["attempts"] == [3, 3]
    show(found, "old", "new", as_json=False)
    text = capsys.readouterr().out
    assert "org__calc-001: old 1 of 1, new 0 of 1" in text
    assert "nothing moved that chance would not explain" in text
