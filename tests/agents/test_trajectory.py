"""ATIF export. Harbor's own validator runs on the same objects in `make accept-team`: it needs Python 3.12."""

from typing import Any

from agents.trajectory import Step, ToolCall, Trajectory, atif
from tasks.task import Cost


def team() -> Trajectory:
    coder = Trajectory(
        "coder",
        (
            Step("system", "You mend code."),
            Step("user", "the issue", at="2026-11-23T13:08:00+00:00"),
            Step(
                "agent",
                "looking",
                model="m-2026-01-01",
                calls=(ToolCall("c1", "view", {"path": "a.py"}, "1 x"), ToolCall("c2", "run", {"command": "ls"}, None)),
                cost=Cost(1, 100, 40, 7, 0.25, 1.5),
            ),
        ),
        id="coder-1",
        model="m",
    )
    plan = Step("agent", "one subtask", children=("coder-1",))
    return Trajectory("solve", (Step("user", "key sk-secret"), plan), children=(coder,), cost=Cost(1, 100, 40, 7, None))


def rows() -> Any:
    return atif(team(), session="run-1", clean=lambda text: text.replace("sk-secret", "[secret]"))


def test_steps_count_from_one_in_every_trajectory() -> None:
    row = rows()
    assert [step["step_id"] for step in row["steps"]] == [1, 2]
    assert [step["step_id"] for step in row["subagent_trajectories"][0]["steps"]] == [1, 2, 3]


def test_a_result_names_its_call_and_a_call_without_result_has_none() -> None:
    step = rows()["subagent_trajectories"][0]["steps"][2]
    assert [call["tool_call_id"] for call in step["tool_calls"]] == ["c1", "c2"]
    assert step["observation"]["results"] == [{"source_call_id": "c1", "content": "1 x"}]


def test_a_step_without_a_model_says_so_and_carries_no_metrics() -> None:
    step = rows()["steps"][1]
    assert step["llm_call_count"] == 0
    assert "metrics" not in step


def test_a_delegation_resolves_to_an_embedded_trajectory() -> None:
    row = rows()
    reference = row["steps"][1]["observation"]["results"][0]["subagent_trajectory_ref"][0]["trajectory_id"]
    assert reference in {child["trajectory_id"] for child in row["subagent_trajectories"]}


def test_an_unknown_price_is_absent_and_not_zero() -> None:
    row = rows()
    assert "total_cost_usd" not in row["final_metrics"]
    assert row["subagent_trajectories"][0]["steps"][2]["metrics"]["cost_usd"] == 0.25


def test_every_text_is_cleaned() -> None:
    assert rows()["steps"][0]["message"] == "key [secret]"
