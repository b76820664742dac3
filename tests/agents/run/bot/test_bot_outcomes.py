"""What became of pull requests: as labels, from the forge alone."""

import json
from pathlib import Path

from github_fake import BOT, FakeGitHub, InProcess

from agents.run.bot.github import GitHub
from agents.run.bot.outcomes import outcomes, write

AS_LEFT, EDITED, MERGED, REVERTED = "a" * 40, "b" * 40, "c" * 40, "d" * 40


def marked(commit: str) -> str:
    return f'<!-- solve:{{"key":"{"0" * 64}","commit":"{commit}","verdict":"verified"}} -->\ntext'


def closed(fake: FakeGitHub, issue: int, head: str, body: str, merge: str = "") -> None:
    row = fake.pull(f"solve/issue-{issue}", head, BOT, body)
    row |= {"state": "closed", "closed_at": fake.now}
    if merge:
        row |= {"merged_at": fake.now, "merge_commit_sha": merge}


def test_each_fate_has_its_name(tmp_path: Path) -> None:
    fake = FakeGitHub("o/n")
    fake.pull("solve/issue-1", AS_LEFT, BOT, marked(AS_LEFT))
    closed(fake, 2, AS_LEFT, marked(AS_LEFT), MERGED)
    closed(fake, 3, EDITED, marked(AS_LEFT), MERGED.replace("c", "e"))
    closed(fake, 4, AS_LEFT, marked(AS_LEFT))
    closed(fake, 5, AS_LEFT, marked(AS_LEFT), REVERTED)
    closed(fake, 6, AS_LEFT, "somebody removed the mark", MERGED.replace("c", "f"))
    fake.pull("solve/issue-7", AS_LEFT, "somebody", marked(AS_LEFT))
    fake.pull("feature", AS_LEFT, BOT, marked(AS_LEFT))
    fake.compared[f"{AS_LEFT}...{EDITED}"] = [{"additions": 3, "deletions": 1}, {"additions": 0, "deletions": 2}]
    said = f"Revert it\n\nThis reverts commit {REVERTED}."
    fake.commits = [{"sha": "9" * 40, "commit": {"message": said}}, {"sha": "8" * 40, "commit": {"message": "else"}}]
    github = GitHub(InProcess(fake), "o/n", "https://github.example")  # type: ignore[arg-type]
    assert write(outcomes(github, "o/n", BOT, "main"), tmp_path / "outcomes.jsonl") == 6
    rows = {row["issue"]: row for row in map(json.loads, (tmp_path / "outcomes.jsonl").read_text().splitlines())}
    assert {issue: (row["fate"], row["edited_lines"]) for issue, row in rows.items()} == {
        1: ("open", 0),
        2: ("merged_as_is", 0),
        3: ("merged_after_edits", 6),
        4: ("closed", 0),
        5: ("reverted", 0),
        6: ("merged", None),
    }
    assert rows[2]["verdict"] == "verified"
    assert fake.writes == []
