"""One seat's talk with its model: append-only, so that the server's cache hits; compacted once if it must be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.llm import Models
from agents.models import Feature, Model
from agents.record import Json, Request
from agents.reply import Reply, ToolUse
from agents.tools import Tool, calls_in, described, schema
from agents.trouble import ContextOverflow

LEFT_OUT = "[left out to save room: {} characters]"
KEPT = 400  # characters: a shorter observation is not worth leaving out


@dataclass(frozen=True, slots=True)
class Brain:
    """A model, what its server can do, and the way to it."""

    models: Models
    model: Model
    features: frozenset[Feature]

    def options(self) -> dict[str, object]:
        """The part of a request that is the same for every call."""
        options: dict[str, object] = {"model": self.model.id, self.model.output_field: self.model.output}
        if self.model.effort and "effort" in self.features:
            options["reasoning_effort"] = self.model.effort
        if self.model.temperature is not None:
            options["temperature"] = self.model.temperature
        if "stream" in self.features:
            options |= {"stream": True, "stream_options": {"include_usage": True}}
        return options


class Conversation:
    def __init__(self, brain: Brain, seat: str, system: str, tools: Mapping[str, type[Tool]] | None = None) -> None:
        self.seat = seat
        self.brain = brain
        self.tools = tools or {}
        self.messages: list[Json] = [{"role": "system", "content": self._system(system)}]
        self.replies: list[Reply] = []
        self._observations: list[int] = []  # places of messages that compaction may shorten
        self._hashes: tuple[str, ...] = ()  # of the messages that were sent last
        self._compacted = False

    @property
    def native(self) -> bool:
        """Whether the server takes tools as such."""
        return "tools" in self.brain.features

    def dump(self) -> dict[str, Any]:
        """What `load` needs to go on with this talk, as JSON."""
        return {"messages": self.messages, "observations": self._observations, "compacted": self._compacted}

    def load(self, row: Json) -> None:
        self.messages = list(row["messages"])
        self._observations = list(row["observations"])
        self._compacted = row["compacted"]

    def say(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text})

    def turn(self, response_format: Json | None = None) -> Reply:
        """One model call; its reply is part of the talk from then on.

        Raises:
            ModelError, OverBudget, BadInput: see `trouble.py`.
        """
        if self._tight():
            self._compact()
        try:
            reply = self._complete(response_format)
        except ContextOverflow:
            if self._compacted:
                raise
            self._compact()
            reply = self._complete(response_format)
        calls = reply.calls or calls_in(reply.text, list(self.tools))
        self.replies.append(reply)
        self.messages.append(_spoken(reply))
        return reply if reply.calls or not calls else _with_calls(reply, calls)

    def take_back(self) -> None:
        """Forget the last reply, as if it had not been made: the next one is another try at the same words."""
        self.messages.pop()
        self.replies.pop()

    def answer(self, reply: Reply, results: list[tuple[ToolUse, str]]) -> None:
        """What the calls of a reply brought."""
        native = {use.id for use in reply.calls if not use.id.startswith("text_")}
        texts = [f"{use.name}: {text}" for use, text in results if use.id not in native]
        for use, text in results:
            if use.id in native:
                self._observations.append(len(self.messages))
                self.messages.append({"role": "tool", "tool_call_id": use.id, "content": text})
        if texts:
            self._observations.append(len(self.messages))
            self.say("\n\n".join(texts))

    def _complete(self, response_format: Json | None) -> Reply:
        options = self.brain.options()
        if self.tools and self.native:
            options["tools"] = [schema(tool) for tool in self.tools.values()]
        if response_format is not None:
            options["response_format"] = response_format
        request = Request(self.seat, tuple(self.messages), options, self._hashes)
        self._hashes = request.hashes
        return self.brain.models.complete(self.brain.model, request)

    def _system(self, system: str) -> str:
        return f"{system}\n\n{described(self.tools)}" if self.tools and not self.native else system

    def _tight(self) -> bool:
        """Whether the next request may not fit: what the server counted, and a third of the characters since."""
        if self._compacted:
            return False
        known, since = 0, len(json.dumps(self.messages))
        if self.replies:
            known = self.replies[-1].tokens_in + self.replies[-1].tokens_out
            last = max(place for place, message in enumerate(self.messages) if message["role"] == "assistant")
            since = len(json.dumps(self.messages[last + 1 :]))
        return known + since // 3 > self.brain.model.context - self.brain.model.output

    def _compact(self) -> None:
        """Shorten the oldest observations, until half of what they hold is gone. Issue, plan and replies stay."""
        self._compacted = True
        self._hashes = ()
        sizes = {place: len(self.messages[place]["content"]) for place in self._observations}
        left = sum(sizes.values()) // 2
        for place in self._observations:
            if left <= 0:
                break
            if sizes[place] > KEPT:
                self.messages[place] = {**self.messages[place], "content": LEFT_OUT.format(sizes[place])}
                left -= sizes[place]


def _spoken(reply: Reply) -> Json:
    message: dict[str, object] = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {"id": use.id, "type": "function", "function": {"name": use.name, "arguments": use.arguments}}
            for use in reply.calls
        ]
    return message


def _with_calls(reply: Reply, calls: tuple[ToolUse, ...]) -> Reply:
    return replace(reply, calls=calls)
