"""A run's journal as spans, by OpenTelemetry's GenAI conventions (pure).

One span for the run, below it one for each seat of the team, below that one for each model call. What was said is not
in them: prompts and completions stay in the journal. https://opentelemetry.io/docs/specs/semconv/gen-ai/ (1.41)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from agents.record import Answered, Asked, Failed, Recorded
from agents.reply import usage_of

Value = str | int
NOTHING: Mapping[str, Value] = {}
ROOT = "run"  # id of the span above all


@dataclass(frozen=True, slots=True)
class Span:
    id: str  # unique within a run
    parent: str  # id, empty for the run's own
    name: str
    kind: Literal["internal", "client"]
    start: float  # seconds since the epoch
    end: float
    attributes: Mapping[str, Value]
    error: str = ""


def spans(recorded: Recorded, run: str, since: float) -> list[Span]:
    """Spans of the calls that ended and were asked at `since` or later: earlier processes told of theirs."""
    calls = [
        _call(number, asked, recorded.ends[number], _address(recorded, asked))
        for number, asked in recorded.asked.items()
        if number in recorded.ends and asked.at >= since
    ]
    if not calls:
        return []
    seats = dict.fromkeys(call.parent for call in calls)
    below = [_agent(seat, ROOT, seat, [call for call in calls if call.parent == seat]) for seat in seats]
    return [_agent(ROOT, "", "solve", calls, {"gen_ai.conversation.id": run}), *below, *calls]


def _agent(identity: str, parent: str, name: str, calls: list[Span], more: Mapping[str, Value] = NOTHING) -> Span:
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name, **more}
    start, end = min(call.start for call in calls), max(call.end for call in calls)
    return Span(identity, parent, f"invoke_agent {name}", "internal", start, end, attributes)


def _call(number: int, asked: Asked, ended: Answered | Failed, address: str) -> Span:
    model = str(asked.options.get("model", ""))
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",  # the protocol; who serves it stands in server.address
        "gen_ai.request.model": model,
        "server.address": urlsplit(address).hostname or "",
    }
    most = asked.options.get("max_tokens") or asked.options.get("max_completion_tokens")
    attributes |= {"gen_ai.request.max_tokens": most} if isinstance(most, int) else {}
    error, seconds = "", 0.0
    if isinstance(ended, Answered):
        seconds = ended.seconds
        attributes |= _answered(ended)
    else:
        error = ended.why
        attributes["error.type"] = ended.no or "unavailable"
    end = asked.at + seconds
    return Span(f"call {number}", asked.seat, f"chat {model}", "client", asked.at, end, attributes, error)


def _answered(ended: Answered) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name in ("model", "id"):
        value = ended.reply.get(name)
        if isinstance(value, str):
            found[f"gen_ai.response.{name}"] = value
    usage = usage_of(ended.reply)
    if usage is not None:
        found["gen_ai.usage.input_tokens"] = usage.prompt_tokens
        found["gen_ai.usage.cache_read.input_tokens"] = usage.cached
        found["gen_ai.usage.output_tokens"] = usage.completion_tokens
    return found


def _address(recorded: Recorded, asked: Asked) -> str:
    roles = (recorded.settings or {}).get("roles", {})
    wanted = asked.options.get("model")
    return next((str(model["base_url"]) for model in roles.values() if model.get("id") == wanted), "")
