"""What an agent did, as a trajectory in ATIF v1.8, the Agent Trajectory Interchange Format of Harbor (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Literal

from tasks.task import Cost

SCHEMA = "ATIF-v1.8"

Clean = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str  # unique within its step
    name: str
    arguments: Mapping[str, object]
    result: str | None = None  # what came back; None where nothing did


@dataclass(frozen=True, slots=True)
class Step:
    source: Literal["system", "user", "agent"]
    message: str
    at: str = ""  # ISO 8601
    model: str = ""  # what the server says it ran
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    observation: str = ""  # what an action without a tool call brought
    children: tuple[str, ...] = ()  # ids of trajectories that this step delegated to
    cost: Cost | None = None  # of an agent's step; None where no model was called
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One agent's steps. A team's roles are the children of the team's own trajectory."""

    agent: str
    steps: tuple[Step, ...]  # at least one
    id: str = ""  # unique among the children of one parent
    model: str = ""
    tools: tuple[Mapping[str, object], ...] = ()  # in OpenAI's function schema
    children: tuple["Trajectory", ...] = ()
    cost: Cost | None = None  # of everything, children included


def atif(trajectory: Trajectory, *, session: str = "", clean: Clean = str) -> dict[str, object]:
    """The JSON object of a trajectory and of all below it; `clean` goes over every text, to take secrets out."""
    agent = {"name": trajectory.agent, "version": version("solve")}
    agent |= {"model_name": trajectory.model} if trajectory.model else {}
    definitions = {"tool_definitions": [dict(tool) for tool in trajectory.tools]} if trajectory.tools else {}
    row: dict[str, object] = {
        "schema_version": SCHEMA,
        "session_id": session or None,
        "trajectory_id": trajectory.id or None,
        "agent": agent | definitions,
        "steps": [_step(number, step) for number, step in enumerate(trajectory.steps, 1)],
        "final_metrics": _total(trajectory.cost, len(trajectory.steps)) if trajectory.cost else None,
        "subagent_trajectories": [atif(child, session=session) for child in trajectory.children] or None,
    }
    cleaned = _clean({name: value for name, value in row.items() if value is not None}, clean)
    assert isinstance(cleaned, dict)
    return cleaned


def _step(number: int, step: Step) -> dict[str, object]:
    row: dict[str, object] = {"step_id": number, "source": step.source, "message": step.message}
    row |= {"timestamp": step.at} if step.at else {}
    row |= {"model_name": step.model} if step.model else {}
    row |= {"reasoning_content": step.reasoning} if step.reasoning else {}
    if step.calls:
        row["tool_calls"] = [
            {"tool_call_id": call.id, "function_name": call.name, "arguments": dict(call.arguments)}
            for call in step.calls
        ]
    results = _results(step)
    row |= {"observation": {"results": results}} if results else {}
    if step.cost:
        row |= {"metrics": _metrics(step.cost), "llm_call_count": step.cost.calls or 1}
    elif step.source == "agent":
        row["llm_call_count"] = 0
    row |= {"extra": dict(step.extra)} if step.extra else {}
    return row


def _results(step: Step) -> list[dict[str, object]]:
    results: list[dict[str, object]] = [
        {"source_call_id": call.id, "content": call.result} for call in step.calls if call.result is not None
    ]
    if step.observation:
        results.append({"content": step.observation})
    if step.children:
        results.append({"subagent_trajectory_ref": [{"trajectory_id": child} for child in step.children]})
    return results


def _metrics(cost: Cost) -> dict[str, object]:
    metrics: dict[str, object] = {
        "prompt_tokens": cost.tokens_in,
        "completion_tokens": cost.tokens_out,
        "cached_tokens": cost.tokens_cached,
        "extra": {"seconds": round(cost.seconds, 3)},
    }
    # An unknown price is left out: zero would say that it was free.
    return metrics if cost.dollars is None else metrics | {"cost_usd": cost.dollars}


def _total(cost: Cost, steps: int) -> dict[str, object]:
    metrics: dict[str, object] = {
        "total_prompt_tokens": cost.tokens_in,
        "total_completion_tokens": cost.tokens_out,
        "total_cached_tokens": cost.tokens_cached,
        "total_steps": steps,
        "extra": {"calls": cost.calls, "seconds": round(cost.seconds, 3)},
    }
    return metrics if cost.dollars is None else metrics | {"total_cost_usd": cost.dollars}


def _clean(value: object, clean: Clean) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {name: _clean(item, clean) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_clean(item, clean) for item in value]
    return value
