"""A run's journal as trajectories: one for each seat of the team, below the team's own (pure)."""

import json
from collections.abc import Mapping, Sequence

from agents.record import Answer, Json, Recorded, Request
from agents.reply import MalformedReply, read_reply
from agents.trajectory import Step, ToolCall, Trajectory
from tasks.task import Cost


def trajectory(journals: Mapping[str, Recorded], agent: str, steps: Sequence[Step], cost: Cost) -> Trajectory:
    """The team: `steps` of its own, then one that delegated to every seat.

    `journals` by what stands before the names of their seats: the stage of a cascade, nothing where there is one team.
    """
    priced = cost.dollars is not None
    children = tuple(
        _seat(recorded, seat, priced, before)
        for before, recorded in journals.items()
        for seat in dict.fromkeys(request.seat for request in recorded.requests.values())
    )
    names = tuple(child.id for child in children)
    delegated = (Step("agent", "the roles at work", children=names),) if names else ()
    return Trajectory(agent, (*steps, *delegated), children=children, cost=cost)


def _seat(recorded: Recorded, seat: str, priced: bool, before: str) -> Trajectory:
    """A seat's talk: what it was told, and each reply with what its calls brought."""
    asked = [request for request in recorded.requests.values() if request.seat == seat]
    last = max(asked, key=lambda request: len(request.messages))
    steps = [
        Step("system" if message["role"] == "system" else "user", str(message.get("content") or ""))
        for message in last.messages
        if message["role"] in ("system", "user")
    ][:1]
    said = 1
    for request in asked:
        steps += [
            Step("user", str(message["content"])) for message in request.messages[said:] if message["role"] == "user"
        ]
        said = len(request.messages)
        steps += [
            _step(answer, last, priced)
            for answer in recorded.answers.get(request.key, ())
            if isinstance(answer, Answer)
        ]
    tools = tuple(asked[0].options.get("tools", ()))
    return Trajectory(seat, tuple(steps), before + seat, str(last.options.get("model", "")), tools)


def _step(answer: Answer, last: Request, priced: bool) -> Step:
    try:
        reply = read_reply(answer)
    except MalformedReply as error:
        return Step(
            "agent",
            f"(malformed: {error})",
            cost=Cost(1, dollars=float(answer.used.dollars) if priced else None, seconds=answer.seconds),
        )
    results = {message["tool_call_id"]: message["content"] for message in _results(last, reply.calls)}
    calls = tuple(ToolCall(use.id, use.name, _arguments(use.arguments), results.get(use.id)) for use in reply.calls)
    dollars = float(answer.used.dollars) if priced else None
    cost = Cost(1, reply.tokens_in, reply.tokens_cached, reply.tokens_out, dollars, answer.seconds)
    return Step("agent", reply.text, model=reply.ran, reasoning=reply.reasoning, calls=calls, cost=cost)


def _results(last: Request, calls: Sequence[object]) -> list[Json]:
    """What the calls of this very reply brought: servers number calls anew in every reply."""
    written = [getattr(call, "arguments", "") for call in calls]
    for place, message in enumerate(last.messages):
        made = message.get("tool_calls") or []
        if made and [call["function"]["arguments"] for call in made] == written:
            return [m for m in last.messages[place + 1 : place + 1 + len(made)] if m["role"] == "tool"]
    return []


def _arguments(text: str) -> Json:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {"text": text}
    return value if isinstance(value, dict) else {"value": value}
