"""Traces → the profile that drift is measured on: lengths, formats, malformed replies, tools, words."""

import json
import re
from collections import Counter
from collections.abc import Sequence

from agents.run.traces import Trace
from agents.trajectory import Step
from tasks.drift import Profile

FENCED = re.compile(r"^(```|~~~)", re.MULTILINE)
MALFORMED = "(malformed: "  # how `agents.seats` tells a reply that could not be read


def profile(traces: Sequence[Trace]) -> Profile:
    """Inputs are issues and what models were told; outputs are replies and patches."""
    replies = [step for trace in traces for _, step in trace.steps() if step.cost is not None]
    results = [trace.result for trace in traces]
    judged = [result for result in results if result.outcome != "infra_error"]
    tools = Counter(call.name for step in replies for call in step.calls)
    return Profile(
        attempts=len(traces),
        numbers={
            "issue, characters": [len(trace.issue) for trace in traces if trace.issue],
            "tokens in, an attempt": [result.tokens_in for result in results if result.calls],
            "tokens out, an attempt": [result.tokens_out for result in results if result.calls],
            "calls, an attempt": [result.calls for result in results if result.calls],
            "reply, characters": [len(step.message) for step in replies],
            "patch, lines": [patch_lines(result.model_patch) for result in judged],
            "seconds, an attempt": [result.seconds for result in judged],
        },
        shares={
            "malformed replies": (sum(kind(step) == "malformed" for step in replies), len(replies)),
            "no patch": (sum(not result.model_patch.strip() for result in judged), len(judged)),
            "resolved": (sum(result.resolved for result in judged), len(judged)),
        },
        kinds={"format of replies": Counter(map(kind, replies)), "tools": tools, "ended by": causes(traces)},
        texts={
            "issues": [trace.issue for trace in traces if trace.issue],
            "replies": [step.message for step in replies if step.message],
        },
    )


def kind(step: Step) -> str:
    """The form of a reply."""
    if step.message.startswith(MALFORMED):
        return "malformed"
    if step.calls:
        return "tool call"
    if not step.message.strip():
        return "empty"
    try:
        json.loads(step.message)
    except ValueError:
        return "text with code" if FENCED.search(step.message) else "text"
    return "JSON"


def causes(traces: Sequence[Trace]) -> Counter[str]:
    return Counter(trace.result.early or trace.result.cause or "resolved" for trace in traces)


def patch_lines(patch: str) -> int:
    """Added and removed ones."""
    return len(re.findall(r"^[+-](?![+-]{2} )", patch, re.MULTILINE))
