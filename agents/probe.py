"""What a model's server can do, asked of it once and kept."""

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agents.conversation import Brain, Conversation
from agents.llm import Models
from agents.models import Feature, Model
from agents.record import Json, Request, digest
from agents.reply import Reply
from agents.structured import response_format
from agents.tools import Tool
from agents.trouble import ModelError
from tasks.rundir import replaced

FEATURES: TypeAdapter[frozenset[Feature]] = TypeAdapter(frozenset[Feature])
TOKENS = 200  # of a probe's reply


class Ping(Tool):
    """Answers with the word that it is given."""

    name = "ping"
    word: str


class Pong(BaseModel):
    model_config = ConfigDict(extra="forbid")
    word: str


def features(models: Models, model: Model, kept: Path) -> frozenset[Feature]:
    """From models.toml, else from an earlier probe in the folder `kept`, else by asking.

    Raises:
        BadInput, OverBudget: the server cannot be used at all.
    """
    if model.supports is not None:
        return model.supports
    place = kept / f"{digest([model.base_url, model.id])[:32]}.json"
    try:
        return FEATURES.validate_json(place.read_bytes())
    except (OSError, ValidationError):
        found = probe(models, model)
    kept.mkdir(parents=True, exist_ok=True)
    replaced(place, FEATURES.dump_json(found))
    return found


def probe(models: Models, model: Model) -> frozenset[Feature]:
    """One or three short calls. What is answered with an error, or with something else, the server cannot do.

    A server may take `tools` and put the call into the text all the same (llama.cpp with `tool_choice` auto), or
    know schemas only in a form of its own: what counts is what came back.
    """
    found: set[Feature] = set()
    ask = "Call the tool ping with the word pong."
    talk = Conversation(Brain(models, model, frozenset({"tools"})), "probe/tools", "You are tested.", {"ping": Ping})
    talk.say(ask)
    if _did(
        lambda: talk.brain.models.complete(model, _request(talk, tools=True), tries=1),
        lambda r: [use.name for use in r.calls] == ["ping"],
    ):
        found.add("tools")
    kinds: tuple[Feature, ...] = ("schema", "json_object")
    for kind in kinds:
        talk = Conversation(Brain(models, model, frozenset({kind})), f"probe/{kind}", "You are tested.")
        talk.say('Reply with JSON: the key "word" with the value "pong".')
        wanted = response_format(talk, Pong)
        if _did(lambda talk=talk, wanted=wanted: models.complete(model, _request(talk, wanted), tries=1), _is_pong):  # type: ignore[misc]
            found.add(kind)
            break
    return frozenset(found)


def _request(talk: Conversation, response: Json | None = None, *, tools: bool = False) -> Request:
    from agents.tools import schema

    options = talk.brain.options() | {talk.brain.model.output_field: TOKENS}
    if tools:
        options["tools"] = [schema(Ping)]
    if response is not None:
        options["response_format"] = response
    return Request(talk.seat, tuple(talk.messages), options)


def _did(call: Callable[[], Reply], good: Callable[[Reply], bool]) -> bool:
    try:
        return good(call())
    except ModelError:
        return False


def _is_pong(reply: Reply) -> bool:
    try:
        return set(json.loads(reply.text)) == {"word"}
    except (ValueError, TypeError):
        return False
