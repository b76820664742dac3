"""A leaderboard says what was measured, how sure that is, and what a machine failed."""

import io
import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_runs import autocoderover, result
from rich.console import Console

from sandbox.api import BadInput
from tasks import report_html, report_sql, report_text
from tasks.history import read_runs
from tasks.report import leaderboard
from tasks.report_html import apart
from tasks.results import Result, Results


def pair(first_only: int, second_only: int, both: int, tasks: int) -> list[Result]:
    rows = []
    for number in range(tasks):
        first = number < both + first_only
        second = number < both or both + first_only <= number < both + first_only + second_only
        rows += [
            result(name, number, outcome="resolved" if solved else "unresolved")
            for name, solved in (("new", first), ("old", second))
        ]
    return rows


def test_three_runs_of_autocoderover() -> None:
    rows = autocoderover()
    assert [sum(row.resolved for row in rows if row.run == run) for run in (1, 2, 3)] == [54, 57, 57]
    (line,) = leaderboard(rows).lines
    assert (line.tasks, line.runs, line.attempts, line.resolved) == (300, 3, 900, 168)
    assert line.pass_at_1 == pytest.approx(0.1867, abs=5e-5)
    assert line.pass_at[3] == pytest.approx(0.26)
    assert line.pass_hat[3] == pytest.approx(0.123, abs=5e-4)
    assert line.method == "bootstrap over tasks"
    assert (line.interval.low, line.interval.high) == (pytest.approx(0.148, abs=3e-3), pytest.approx(0.229, abs=3e-3))


def test_one_run_has_wilsons_interval() -> None:
    rows = [row for row in autocoderover() if row.run == 1]
    (line,) = leaderboard(rows).lines
    assert line.method == "Wilson"
    assert report_text.interval(line.interval) == "14.1 to 22.7"


def test_a_lead_that_is_no_evidence_is_said_so() -> None:
    board = leaderboard(pair(22, 10, 44, 300), baseline="old")
    line = board.lines[0]
    found = line.comparison
    assert found is not None
    assert (line.solver, found.only_this, found.only_baseline) == ("new", 22, 10)
    assert found.p == pytest.approx(0.050, abs=5e-4)
    assert found.difference == pytest.approx(0.04)
    assert found.interval.low < 0.04 < found.interval.high
    assert "not distinguishable" in report_text.power(line)
    assert "b=22 c=10" in report_text.cells(line)["against the baseline"]
    assert board.lines[1].comparison is None


def test_what_the_table_does_not_tell_is_told_in_words() -> None:
    rows = pair(2, 1, 1, 6)
    some = [row.model_copy(update={"model_name_or_path": "some"}) for row in rows if row.model_name_or_path == "new"][
        :4
    ]
    other = [row.model_copy(update={"model_name_or_path": "other", "suite": "x"}) for row in some]
    board = leaderboard([*rows, *some, *other, result("new", 9, flaky=True)], baseline="old")
    notes = report_text.notes(board)
    assert (
        "old: has no attempt at 1 of the 7 tasks that this table has of its suite: its rate is over the others" in notes
    )
    assert "some: has no attempt at 3 of the 7" in "\n".join(notes)
    assert "other: not compared with old: they share no task of one suite" in notes
    assert notes[-1] == "1 of 7 tasks are flaky by their own answer: org__calc-009"
    (some_line,) = (line for line in board.lines if line.solver == "some")
    told = report_text.power(some_line)
    assert told.startswith(
        "not distinguishable from old (exact McNemar of the first runs, Holm-corrected, p = 1.000); "
    )
    assert told.endswith(
        "the smallest difference that 4 tasks show at 80% power: none, even 100 points could be chance"
    )


def test_tasks_that_all_ended_alike_are_not_certain() -> None:
    for outcome, expected in (("unresolved", "0.0 to 27.8"), ("resolved", "72.2 to 100.0")):
        (line,) = leaderboard([result("s", number, run, outcome) for number in range(10) for run in (1, 2)]).lines
        assert report_text.interval(line.interval) == expected
        assert line.method.startswith("Wilson over tasks")


def test_comparisons_are_corrected_over_the_table() -> None:
    rows = pair(22, 8, 44, 300)
    alone = leaderboard(rows, baseline="old").lines[0].comparison
    third = [row.model_copy(update={"model_name_or_path": "third"}) for row in rows if row.model_name_or_path == "new"]
    both = leaderboard(rows + third, baseline="old").lines[0].comparison
    assert alone is not None
    assert both is not None
    assert both.p == pytest.approx(2 * alone.p)


@pytest.mark.parametrize(("name", "message"), [("nobody", "no solver by the name nobody"), ("", "")])
def test_a_baseline_must_be_there(name: str, message: str) -> None:
    if message:
        with pytest.raises(BadInput, match=message):
            leaderboard(autocoderover(), baseline=name)
    else:
        assert leaderboard(autocoderover(), baseline=name).lines[0].comparison is None


def test_a_failed_machine_counts_against_the_rate_and_is_shown_beside_it() -> None:
    rows = [
        result("s", number, outcome=outcome)
        for number, outcome in enumerate(["resolved", "unresolved", "infra_error", "infra_error"])
    ]
    (line,) = leaderboard(rows).lines
    assert (line.pass_at_1, line.infra, line.without_infra, line.judged) == (0.25, 2, 0.5, 2)
    notes = "\n".join(report_text.notes(leaderboard(rows)))
    assert "without the 2 that a machine failed it is 50.0% of 2" in notes
    assert line.outcomes == {"infra": 2, "resolved": 1, "tests_failed": 1}


def test_dollars_count_failures_and_are_never_a_silent_zero() -> None:
    rows = [result("s", 1, dollars=1.0), result("s", 2, outcome="unresolved", dollars=3.0)]
    (line,) = leaderboard(rows).lines
    assert (line.dollars_per_task, line.dollars_per_resolved) == (2.0, 4.0)
    (unknown,) = leaderboard([*rows, result("s", 3)]).lines
    assert (unknown.dollars_per_task, unknown.dollars_per_resolved) == (None, None)
    (none,) = leaderboard([result("s", 1, outcome="unresolved", dollars=1.0)]).lines
    assert none.dollars_per_resolved == math.inf
    assert report_text.cells(none)["$ a resolved"] == "∞"
    assert (
        json.loads(json.dumps(report_text.as_json(leaderboard([result("s", 1, outcome="unresolved", dollars=1.0)]))))[
            "solvers"
        ][0]["dollars_per_resolved"]
        is None
    )


def test_other_settings_snapshots_and_suites_are_other_lines() -> None:
    rows = [result("s", 1), result("s", 1, settings="b"), result("s", 1, snapshot="m-2026"), result("s", 1, suite="x")]
    board = leaderboard(rows)
    names = {"s (suite 5u17e)", "s (b)", "s (m-2026)", "s (suite x)"}
    assert {line.name for line in board.lines} == names
    assert {name for name, _ in board.attempts} == names


def test_a_flag_is_counted_beside_the_rate() -> None:
    (line,) = leaderboard([result("s", 1, flagged=("edits tests",)), result("s", 2)]).lines
    assert (line.pass_at_1, line.flagged) == (1.0, 1)


def test_every_shape_says_the_same() -> None:
    board = leaderboard(pair(22, 10, 44, 300), baseline="old")
    terminal = io.StringIO()
    Console(width=200, file=terminal).print(report_text.table(board))
    shapes = [terminal.getvalue(), report_text.markdown(board), report_html.page(board, "runs")]
    assert all("22.0%" in shape and "17.7 to 27.0" in shape for shape in shapes)
    found = report_text.as_json(board)["solvers"]
    assert isinstance(found, list)
    assert (found[0]["pass@1"], found[0]["comparison"]["b"]) == (0.22, 22)


HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"


def test_nothing_of_a_patch_or_a_name_becomes_markup() -> None:
    rows = [
        result(HOSTILE, 1, model_patch=f"+{HOSTILE}", reason=HOSTILE, flagged=(HOSTILE,)),
        result("@maintainer | `x` [y](z)", 1),
    ]
    html = report_html.page(leaderboard(rows), HOSTILE)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    markdown = report_text.markdown(leaderboard(rows))
    assert "<" not in markdown
    assert "@maintainer" not in markdown
    assert "[y]" not in markdown


def test_where_nobody_paid_there_is_no_chart_of_costs() -> None:
    free = report_html.page(leaderboard([result("gold", 1, dollars=0.0)]), "runs")
    assert 'id="costs"' not in free
    assert "Nothing was paid" in free
    paid = report_html.page(leaderboard([result("gold", 1, dollars=0.0), result("s", 1, dollars=0.1)]), "runs")
    assert 'id="costs"' in paid


def test_the_page_loads_nothing_and_links_to_its_own_evidence() -> None:
    html = report_html.page(leaderboard([*autocoderover("a/b"), result("a b", 1), result("a-b", 2)]), "runs")
    assert "http" not in html.replace("http-equiv", "")
    targets = [part.split('"')[0] for part in html.split('href="#')[1:]]
    assert len(set(targets)) == len(targets) == 302
    assert all(html.count(f'id="{target}"') == 1 for target in targets)


def test_runs_open_as_a_table_of_a_database() -> None:
    pytest.importorskip("duckdb")
    columns, rows = report_sql.query(
        autocoderover(), "SELECT run, sum(resolved::INT) AS n FROM attempts GROUP BY run ORDER BY run"
    )
    assert (columns, rows) == (["run", "n"], [(1, 54), (2, 57), (3, 57)])
    with pytest.raises(BadInput, match="the query is wrong"):
        report_sql.query(autocoderover(), "SELECT nothing FROM attempts")
    with pytest.raises(BadInput, match="the query is wrong"):
        report_sql.query(autocoderover(), "SELECT * FROM read_text('/etc/passwd')")


def test_columns_of_the_table_do_not_change_with_what_is_in_them() -> None:
    pytest.importorskip("duckdb")
    full = result(
        "s",
        1,
        early="engine",
        published=True,
        dollars=2,
        flagged=("a",),
        dropped=("conftest.py",),
        not_kept=("t::b",),
        fail_to_pass={"t::a": "passed"},
        grading={"tests": 1.5},
        snapshot="2026-01-31",
        model_patch="x" * 20_000_000,
    )
    kinds = [report_sql.query([row], "DESCRIBE attempts")[1] for row in (full, result("s", 1))]
    assert kinds[0] == kinds[1]
    columns, (kept,) = report_sql.query([full], "SELECT * FROM attempts")
    found = dict(zip(columns, kept, strict=True))
    assert found.pop("resolved") is True
    assert Result.model_validate(found) == full


def test_results_survive_a_torn_line_and_the_last_row_of_an_attempt_counts(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(result("s", 1, outcome="infra_error"))
    with results.path.open("ab") as file:
        file.write(b'{"instance_id": "torn')
    results.add(result("s", 2))
    results.add(result("s", 1))
    assert [(row.instance_id, row.outcome) for row in results.read()] == [
        ("org__calc-001", "resolved"),
        ("org__calc-002", "resolved"),
    ]
    assert len(read_runs([tmp_path, tmp_path / ".." / tmp_path.name])) == 2
    with pytest.raises(BadInput, match="has no results"):
        read_runs([tmp_path / "nothing"])


def test_what_of_a_machine_failed_has_a_column_of_its_own() -> None:
    rows = [
        result("s", 1),
        result("s", 2, outcome="infra_error", early="engine"),
        result("s", 3, outcome="infra_error"),
    ]
    (line,) = leaderboard(rows).lines
    assert line.outcomes == {"resolved": 1, "infra: engine": 1, "infra": 1}


@given(st.lists(st.floats(0, 300), min_size=1, max_size=12))
def test_names_beside_a_chart_are_apart_and_inside(places: list[float]) -> None:
    moved = apart(sorted(places), 17, 300)
    assert all(later - earlier >= 16.99 for earlier, later in pairwise(moved))
    assert moved[-1] <= 300
    far = all(later - earlier >= 17 for earlier, later in pairwise(sorted(places)))
    assert not far or moved == sorted(places)
