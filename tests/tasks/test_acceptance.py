"""What people took stands beside what tests resolved, and labels hold for the very patch that was read."""

import json
import math
from pathlib import Path

import pytest
from report_runs import result

from sandbox.api import BadInput
from tasks import report_sql, report_text
from tasks.acceptance import Pull, acceptance, agreement, people, read_pulls
from tasks.labels import Label, Labels, Opinion, key_of
from tasks.report import leaderboard
from tasks.results import Result


def label(found: Result, verdict: Opinion, by: str = "ann") -> Label:
    name, model, run, patch = key_of(found)
    return Label(
        instance_id=name,
        model_name_or_path=model,
        run=run,
        patch=patch,
        verdict=verdict,
        by=by,
        at="2026-01-01",
        tags=("too wide",),
    )


def test_kappa_is_cohens() -> None:
    """The example of Cohen (1960) as every textbook has it: 20, 5, 10, 15 of 50."""
    found = agreement([(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15)
    assert found is not None
    assert (found.share, found.kappa) == (pytest.approx(0.7), pytest.approx(0.4))
    same = agreement([(True, True)])
    assert same is not None
    assert math.isnan(same.kappa)
    assert agreement([]) is None


def test_labels_are_kept_by_person_and_hold_for_one_patch(tmp_path: Path) -> None:
    labels, found = Labels(tmp_path), result("a", 1)
    for verdict, by in (("accept", "ann"), ("reject", "ann"), ("accept", "ben"), ("unsure", "cid")):
        labels.add(label(found, verdict, by))  # type: ignore[arg-type]
    said = people(labels.read())
    assert sorted((each.by, each.verdict) for each in labels.read()) == [
        ("ann", "reject"),
        ("ben", "accept"),
        ("cid", "unsure"),
    ]
    assert said.accepted(found) is None  # one against one
    labels.add(label(found, "accept", "dot"))
    assert people(labels.read()).accepted(found) is True
    assert people(labels.read()).accepted(found.model_copy(update={"model_patch": "another"})) is None
    (tmp_path / "labels.jsonl").write_text("nonsense\n")
    with pytest.raises(BadInput, match="line 1 is no label"):
        labels.read()


def test_pull_requests_are_joined_by_their_issue(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.jsonl"
    fates = {1: "merged_as_is", 2: "closed", 3: "open"}
    file.write_text(
        "".join(
            json.dumps({"repository": "Org/calc", "issue": n, "pull": n + 9, "fate": fate, "verdict": "x"}) + "\n"
            for n, fate in fates.items()
        )
    )
    said = people((), read_pulls(file))
    found = [result("a", 0).model_copy(update={"instance_id": f"org__calc-{number}"}) for number in (1, 2, 3, 4)]
    assert [said.accepted(each) for each in found] == [True, False, None, None]
    file.write_text("{}\n")
    with pytest.raises(BadInput, match="not what `solve bot outcomes` writes"):
        read_pulls(file)


def test_the_report_has_people_beside_tests() -> None:
    rows = [result("a", 0), result("a", 1), result("a", 2, outcome="unresolved"), result("a", 3, outcome="infra_error")]
    said = people(
        [label(rows[0], "accept"), label(rows[1], "reject"), label(rows[2], "reject"), label(rows[3], "accept")]
    )
    found = acceptance(rows, said)
    assert found is not None
    assert (found.judged, found.accepted) == (3, 1)  # what a machine failed is no attempt
    (line,) = leaderboard(rows, people=said).lines
    assert report_text.cells(line)["taken by people"] == "1 of 3"
    (note,) = [note for note in report_text.notes(leaderboard(rows, people=said)) if "people" in note]
    assert "tests and people agree on 2 (kappa 0.40), 1 resolved and not taken, 0 taken and not resolved" in note
    assert line.pass_at_1 == leaderboard(rows).lines[0].pass_at_1


def test_people_are_columns_of_the_table() -> None:
    pytest.importorskip("duckdb")
    rows = [result("a", 0), result("a", 1)]
    said = people([label(rows[0], "accept")], [Pull(repository="org/calc", issue=1, pull=4, fate="closed")])
    _, found = report_sql.query(rows, "SELECT instance_id, label, label_tags, accepted FROM attempts ORDER BY 1", said)
    assert found == [("org__calc-000", "accept", ["too wide"], True), ("org__calc-001", None, [], None)]
