"""Judge prompts beside people: how far the reviewer's word agrees with the labels of the same attempts."""

import json
from collections.abc import Iterable

from pydantic import ValidationError

from agents.reviewer import Review
from agents.run.traces import Trace
from agents.trajectory import Step
from tasks.acceptance import Agreement, People, agreement

SEAT = "reviewer"


def reviewed(trace: Trace) -> bool | None:
    """The last word of the attempt's reviewer; None where none spoke."""
    words = [review for seat, step in trace.steps() if SEAT in seat and (review := _review(step)) is not None]
    return words[-1].verdict == "accept" if words else None


def judge_agreement(traces: Iterable[Trace], people: People) -> dict[str, Agreement]:
    """By model: the judge first, people second, on the attempts that both judged."""
    pairs: dict[str, list[tuple[bool, bool]]] = {}
    for trace in traces:
        judge, person = reviewed(trace), people.accepted(trace.result)
        if judge is not None and person is not None:
            pairs.setdefault(trace.result.model_name_or_path, []).append((judge, person))
    return {model: found for model, each in pairs.items() if (found := agreement(each)) is not None}


def _review(step: Step) -> Review | None:
    """A reply that is a review, as text or as the arguments of a call."""
    if step.source != "agent":
        return None
    for text in (step.message, *(json.dumps(dict(call.arguments)) for call in step.calls)):
        start, end = text.find("{"), text.rfind("}")
        try:
            return Review.model_validate_json(text[start : end + 1])
        except ValidationError:
            continue
    return None
