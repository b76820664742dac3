"""The shape as the workflows have it: who holds what. And what zizmor says of them."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[4]
WORKFLOWS = [TOP / ".github/workflows/solve.yml", TOP / ".github/workflows/outcomes.yml"]
EXAMPLES = [TOP / "examples/caller.yml", TOP / "examples/outcomes.yml"]
ALL = [TOP / "action.yml", *WORKFLOWS, *EXAMPLES]
READS = {"contents": "read", "issues": "read", "pull-requests": "read", "checks": "read"}
WRITES = {"contents": "write", "issues": "write", "pull-requests": "write"}


def loaded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def job(name: str, file: Path = WORKFLOWS[0]) -> dict[str, Any]:
    return dict(loaded(file)["jobs"][name])


@pytest.mark.parametrize(
    ("file", "name", "permissions"),
    [
        (WORKFLOWS[0], "solve", READS),
        (WORKFLOWS[0], "publish", WRITES),
        (WORKFLOWS[1], "outcomes", {"contents": "read", "pull-requests": "read"}),
        (EXAMPLES[0], "solve", {**WRITES, "checks": "read"}),
        (EXAMPLES[1], "outcomes", {"contents": "read", "pull-requests": "read"}),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else str(value)[:12],
)
def test_each_job_has_exactly_these_permissions(file: Path, name: str, permissions: dict[str, str]) -> None:
    assert set(loaded(file)["jobs"]) == ({"solve", "publish"} if file == WORKFLOWS[0] else {name})
    assert loaded(file)["permissions"] == {}
    assert job(name, file)["permissions"] == permissions


def test_the_solving_job_holds_no_token_where_the_key_is() -> None:
    steps = job("solve")["steps"]
    with_key = [step for step in steps if "model-key" in str(step)]
    assert [step["with"]["step"] for step in with_key] == ["solve"]
    assert "token" not in with_key[0]["with"]
    gate = next(number for number, step in enumerate(steps) if step.get("id") == "gate")
    assert steps.index(with_key[0]) > gate
    assert with_key[0]["if"] == "steps.gate.outputs.go == 'true'"
    assert "app-private-key" not in str(job("solve"))


def test_the_publishing_job_has_no_model_and_no_code_of_the_repository() -> None:
    publish = job("publish")
    text = str(publish)
    assert "model-key" not in text
    assert "SOLVE_BOT_MODEL" not in text
    checkouts = [step["with"] for step in publish["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [each["repository"] for each in checkouts] == ["${{ job.workflow_repository }}"]
    assert publish["needs"] == "solve"
    assert publish["if"].startswith("always()")


def test_no_checkout_keeps_a_credential_and_no_job_has_a_cache() -> None:
    for file in ALL:
        text = file.read_text()
        assert text.count("actions/checkout@") == text.count("persist-credentials: false")
        assert "actions/cache" not in text
        assert "pull_request_target" not in text
        assert "workflow_run" not in text
        if file.name != "action.yml":
            assert loaded(file)["cache-mode"] == "none"


def test_only_what_is_agreed_is_handed_over() -> None:
    step = next(step for step in job("solve")["steps"] if "upload-artifact" in step.get("uses", ""))
    names = [line.rpartition("/")[2] for line in step["with"]["path"].splitlines()]
    assert names == ["patch.diff", "result.json"]


def test_stop_cancels_and_a_stranger_is_in_another_group() -> None:
    group = job("solve")["concurrency"]
    assert group["cancel-in-progress"] == "${{ startsWith(github.event.comment.body, '/stop') }}"
    assert "author_association" in group["group"]
    assert "&& 'team' || github.actor" in " ".join(group["group"].split())
    assert job("publish")["concurrency"]["cancel-in-progress"] is False


def test_a_strangers_comment_cannot_take_the_place_of_a_result_that_waits_to_be_published() -> None:
    solving, publishing = (job(name)["concurrency"]["group"] for name in ("solve", "publish"))
    assert publishing == solving.replace("solve-", "solve-publish-", 1)


def test_no_expression_is_spliced_into_a_script() -> None:
    for file in ALL:
        for script in re.findall(r"run: \|\n((?: {8,}.*\n|\n)+)", file.read_text()):
            assert "${{" not in script


def test_everything_is_pinned_to_a_commit() -> None:
    for file in ALL:
        used = re.findall(r"uses: (\S+)", file.read_text())
        assert [name for name in used if not re.search(r"@[0-9a-f]{40}$", name) and not name.startswith("./")] == []


def test_what_a_user_copies_is_short() -> None:
    assert EXAMPLES[0].read_text().count("\n") <= 15


def test_the_inputs_are_the_settings() -> None:
    from agents.run.bot.settings import PREFIX, Settings

    known = {PREFIX + name.upper() for name in Settings.model_fields}
    given = set(job("solve")["env"]) | set(job("publish")["env"])
    assert given == known


def test_publishing_loads_no_model_client_and_no_engine() -> None:
    code = (
        "import sys\nimport agents.run.bot.publish, agents.run.bot.github, agents.run.bot.rest, agents.run.cli\n"
        "print(sorted({'openai', 'docker', 'langgraph', 'agents.llm', 'agents.run.solve'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "[]"


def test_zizmor_finds_nothing() -> None:
    command = [f"{sys.prefix}/bin/zizmor", "--offline", "--quiet", "--format=json", *map(str, ALL)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stdout + done.stderr


def test_what_zizmor_is_told_to_pass_over_is_this() -> None:
    """Each with its reason on the line."""
    ignored = [line for file in ALL for line in file.read_text().splitlines() if "zizmor: ignore" in line]
    assert sorted(re.findall(r"ignore\[([\w-]+)\] \w", "\n".join(ignored))) == [
        "dangerous-triggers",
        *["self-repository"] * 4,
    ]
