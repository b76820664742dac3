"""GitHub's own example payloads, one for each trigger: what they ask for, and of whom the gate asks."""

from pathlib import Path
from typing import Any

import pytest
from bot_site import BOT, OWNER, REPOSITORY, changed, quiet_site, said_by

from agents.run.bot.app import triggered
from agents.run.bot.settings import Settings, github_job, settings
from agents.run.bot.trigger import Ignored, Trigger, branch_of, issue_of
from agents.run.bot.work import issue_text
from sandbox.api import BadInput
from tasks.issue import read_issue
from tasks.showing import showing_tests

HAND = {"repository__full_name": REPOSITORY}
PULL = {"pull_request__head__ref": "solve/issue-1"}
SUITE = {
    "check_suite__conclusion": "failure",
    "check_suite__head_branch": "solve/issue-1",
    "check_suite__pull_requests": [{"number": 2, "head": {"ref": "solve/issue-1"}}],
}
RUN = {
    "workflow_run__conclusion": "failure",
    "workflow_run__head_branch": "solve/issue-1",
    "workflow_run__pull_requests": [{"number": 2, "head": {"ref": "solve/issue-1"}}],
    "repository__full_name": REPOSITORY,
}


def asked(folder: Path, name: str, **values: Any) -> Trigger | Ignored:
    site = quiet_site(folder)
    site.settings = Settings(label="bug", login=values.pop("login", BOT))
    return triggered(site.job(name, changed(name, **values)), site.settings)


@pytest.mark.parametrize(
    ("name", "values", "command", "number", "on_pull"),
    [
        ("issues.labeled", {}, "solve", 1, False),
        ("issues.assigned", {"login": OWNER}, "solve", 1, False),
        ("issue_comment.created", {"comment__body": "/plan it"}, "plan", 1, False),
        ("issue_comment.created", {"comment__body": "/retry\nplease"}, "retry", 1, False),
        ("workflow_dispatch", {**HAND, "inputs": {"issue": "7"}}, "solve", 7, False),
        ("pull_request_review.submitted", {**PULL, "pull_request__number": 2}, "round", 2, True),
        ("pull_request_review_comment.created", {**PULL, "pull_request__number": 2}, "round", 2, True),
        ("check_suite.completed", SUITE, "round", 2, True),
        ("workflow_run.completed", RUN, "round", 2, True),
    ],
)
def test_what_an_event_asks_for(
    tmp_path: Path, name: str, values: dict[str, Any], command: str, number: int, on_pull: bool
) -> None:
    found = asked(tmp_path, name, **values)
    assert isinstance(found, Trigger), found
    assert (found.command, found.number, found.on_pull) == (command, number, on_pull)
    assert OWNER in found.actors


def test_everybody_behind_a_run_of_a_workflow_is_asked(tmp_path: Path) -> None:
    pushed, pressed = {"login": "pushed", "type": "User"}, {"login": "pressed", "type": "User"}
    more = {"workflow_run__actor": pushed, "workflow_run__triggering_actor": pressed}
    found = asked(tmp_path, "workflow_run.completed", **RUN, **more)
    assert isinstance(found, Trigger)
    assert found.actors == (OWNER, "pushed", "pressed")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("issues.labeled", {"label__name": "enhancement"}),
        ("issues.assigned", {}),
        ("issues.edited", {}),
        ("issue_comment.created", {}),
        ("issue_comment.edited", {"comment__body": "/solve"}),
        ("pull_request_review.submitted", {}),
        ("pull_request_review.submitted", {**PULL, "review__state": "approved"}),
        ("check_suite.completed", {}),
        ("check_suite.completed", {**SUITE, "check_suite__conclusion": "success"}),
        ("check_suite.rerequested", {}),
        ("workflow_dispatch", {**HAND, "inputs": {"issue": "7"}, "ref": "refs/heads/other"}),
    ],
)
def test_what_asks_for_nothing(tmp_path: Path, name: str, values: dict[str, Any]) -> None:
    assert isinstance(asked(tmp_path, name, **values), Ignored)


@pytest.mark.parametrize("issue", ["", "0", "-1", "1e3", "1; rm", "٣", "9" * 30])
def test_an_issue_by_hand_is_a_number(tmp_path: Path, issue: str) -> None:
    with pytest.raises(BadInput, match="needs the number"):
        asked(tmp_path, "workflow_dispatch", inputs={"issue": issue}, **HAND)


def test_the_payload_and_not_the_api_has_the_words(tmp_path: Path) -> None:
    """What is edited between the event and the look is not read."""
    site = quiet_site(tmp_path)
    site.fake.issues[1] |= {"title": "another", "body": "edited since"}
    request = site.gate(site.job("issue_comment.created", said_by(OWNER)))
    assert request is not None
    assert "edited since" not in request.text
    assert "spelled" in request.text


def test_a_test_that_comes_with_an_issue_is_found_in_what_is_handed_over(tmp_path: Path) -> None:
    site = quiet_site(tmp_path)
    body = "It adds.\n\n```python\n# tests/test_area.py\ndef test_area():\n    assert 2 * 3 == 6\n```\n"
    request = site.gate(site.job("issues.labeled", changed("issues.labeled", issue__body=body)))
    assert request is not None
    (tmp_path / "issue.md").write_text(issue_text(request))
    issue = read_issue(str(tmp_path / "issue.md"), stdin=None, environment={})
    assert [test.path for test in showing_tests(issue, frozenset())] == ["tests/test_area.py"]


@pytest.mark.parametrize(
    "branch", ["solve/issue-0", "solve/issue-", "solve/issue-1x", "x/solve/issue-1", "solve/issue-01"]
)
def test_a_branch_of_ours_has_one_form(branch: str) -> None:
    assert issue_of(branch) is None
    assert issue_of(branch_of(12)) == 12


@pytest.mark.parametrize(
    ("name", "value"),
    [("RUN_DOLLARS", "-1"), ("RUN_DOLLARS", "much"), ("APPS", "*"), ("APPS", "good[bot], *[bot]"), ("SECONDS", "1e9")],
)
def test_an_input_that_does_not_fit_is_said(name: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"SOLVE_BOT_{name}"):
        settings({f"SOLVE_BOT_{name}": value})


def test_who_pressed_re_run_is_one_of_the_actors() -> None:
    environment = {
        "GITHUB_REPOSITORY": "o/n", "GITHUB_EVENT_NAME": "issues", "GITHUB_EVENT_PATH": "/e", "GITHUB_SHA": "c",
        "GITHUB_ACTOR": "amy", "GITHUB_TRIGGERING_ACTOR": "eve", "GITHUB_API_URL": "https://gh.example/api/v3",
    }  # fmt: skip
    job = github_job(environment)
    assert (job.actors, job.api) == (("amy", "eve"), "https://gh.example/api/v3")
    with pytest.raises(BadInput, match="GITHUB_ACTOR is not set"):
        github_job({**environment, "GITHUB_ACTOR": ""})
