"""What a chat-completions server replies → `Reply` (pure). Foreign data: what is not known is passed over."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from agents.record import Answer, Json


class MalformedReply(ValueError):
    """A completion that is none: no choices, no message, not the shape of the protocol. It was paid all the same."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    id: str
    name: str
    arguments: str  # JSON, as the model wrote it


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    calls: tuple[ToolUse, ...]
    refusal: str  # why the model or the server's filter refused; empty if neither did
    cut: bool  # the reply ran into the limit of its length
    reasoning: str
    ran: str  # what the server says it ran
    tokens_in: int
    tokens_cached: int  # of `tokens_in`
    tokens_out: int
    answer: Answer


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Function(_Foreign):
    name: str = ""
    arguments: str = ""

    @field_validator("arguments", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """Some servers send the arguments as an object, some send null for none."""
        return "" if value is None else value if isinstance(value, str) else json.dumps(value)


class Call(_Foreign):
    id: str | None = None
    index: int = 0
    function: Function = Function()


class Spoken(_Foreign):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[Call] | None = None


class Choice(_Foreign):
    message: Spoken | None = None
    delta: Spoken | None = None
    finish_reason: str | None = None


class Details(_Foreign):
    cached_tokens: int | None = None


class Usage(_Foreign):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: Details | None = None

    @property
    def cached(self) -> int:
        return min((self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0, self.prompt_tokens)


class Completion(_Foreign):
    model: str | None = None
    choices: list[Choice] = []
    usage: Usage | None = None


def usage_of(raw: Json) -> Usage | None:
    """What a reply says it used; None where it does not say, or nonsense."""
    try:
        usage = Usage.model_validate(raw.get("usage"))
    except ValidationError:
        return None
    return usage if usage.prompt_tokens >= 0 and usage.completion_tokens >= 0 else None


def read_reply(answer: Answer) -> Reply:
    """Raises:
    MalformedReply: it has no choice, or none with a message.
    """
    try:
        completion = Completion.model_validate({**answer.reply, "usage": None})
    except ValidationError as error:
        raise MalformedReply(f"not a completion: {error.errors()[0]['msg']}") from error
    if not completion.choices or completion.choices[0].message is None:
        raise MalformedReply("no choices" if not completion.choices else "a choice without a message")
    choice = completion.choices[0]
    message = choice.message
    assert message is not None
    usage = usage_of(answer.reply) or Usage(prompt_tokens=0, completion_tokens=0)
    filtered = "the server's content filter stopped the reply" if choice.finish_reason == "content_filter" else ""
    calls = tuple(
        ToolUse(call.id or f"call_{number}", call.function.name, call.function.arguments)
        for number, call in enumerate(message.tool_calls or ())
    )
    if not calls and not message.content and not message.refusal and choice.finish_reason == "stop":
        raise MalformedReply("an empty reply")
    return Reply(
        text=message.content or "",
        calls=calls,
        refusal=message.refusal or filtered,
        cut=choice.finish_reason == "length",
        reasoning=message.reasoning_content or "",
        ran=completion.model or "",
        tokens_in=usage.prompt_tokens,
        tokens_cached=usage.cached,
        tokens_out=usage.completion_tokens,
        answer=answer,
    )


def joined(chunks: Iterable[Json]) -> dict[str, Any]:
    """The chunks of a stream as the one completion that they are pieces of.

    Raises:
        MalformedReply: a chunk is none.
    """
    text: list[str] = []
    refusal: list[str] = []
    calls: dict[int, Call] = {}
    finish, model, usage = None, None, None
    for raw in chunks:
        try:
            chunk = Completion.model_validate({**raw, "usage": None})
        except ValidationError as error:
            raise MalformedReply(f"not a chunk: {error.errors()[0]['msg']}") from error
        model, usage = chunk.model or model, raw.get("usage") or usage
        for choice in chunk.choices[:1]:
            finish = choice.finish_reason or finish
            delta = choice.delta or Spoken()
            text.append(delta.content or "")
            refusal.append(delta.refusal or "")
            for piece in delta.tool_calls or ():
                _add(calls, piece)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(text) or None,
        "refusal": "".join(refusal) or None,
    }
    if calls:
        message["tool_calls"] = [calls[index].model_dump(exclude={"index"}) for index in sorted(calls)]
    choices = [{"index": 0, "message": message, "finish_reason": finish}] if finish or calls or any(text) else []
    return {"object": "chat.completion", "model": model, "choices": choices, "usage": usage}


def _add(calls: dict[int, Call], piece: Call) -> None:
    known = calls.setdefault(piece.index, Call(index=piece.index))
    known.id = piece.id or known.id
    known.function = Function(
        name=known.function.name + piece.function.name,
        arguments=known.function.arguments + piece.function.arguments,
    )
