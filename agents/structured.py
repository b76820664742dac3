"""Typed replies: a pydantic model out of any server, asked again at most twice with what did not fit."""

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from agents.conversation import Conversation
from agents.record import Json
from agents.tools import FENCE, complaint
from agents.trouble import ModelError

RE_ASKS = 2

Reply = TypeVar("Reply", bound=BaseModel)


class NotTyped(ModelError, ValueError):
    """The model did not bring itself to the asked form: the model's fault."""


def ask(talk: Conversation, form: type[Reply]) -> Reply:
    """The model's next words, as `form`. Every try is a call, counted and billed.

    Raises:
        NotTyped: after `RE_ASKS` re-asks the reply still does not fit.
        ModelError, OverBudget, BadInput: see `trouble.py`.
    """
    wanted = response_format(talk, form)
    if wanted is None or wanted["type"] == "json_object":
        talk.say(f"Reply with one JSON object of this schema and nothing else:\n{json.dumps(_schema(form))}")
    why = ""
    for _ in range(RE_ASKS + 1):
        reply = talk.turn(wanted)
        try:
            return form.model_validate_json(_object(reply.text))
        except ValidationError as error:
            talk.brain.models.misfit()
            why = complaint(error)
            cut = " It was cut off at the limit of its length: be shorter." if reply.cut else ""
            talk.say(f"Your reply does not fit the asked form: {why}.{cut} Reply with the JSON object alone.")
    raise NotTyped(f"{talk.brain.model.id} did not reply in the asked form, {RE_ASKS + 1} times: {why}")


def response_format(talk: Conversation, form: type[BaseModel]) -> Json | None:
    """How this server is asked for a form: OpenAI's way, llama.cpp's way, or not at all."""
    if "schema" in talk.brain.features:
        schema = {"name": form.__name__, "strict": True, "schema": _schema(form)}
        return {"type": "json_schema", "json_schema": schema}
    if "json_object" in talk.brain.features:
        return {"type": "json_object", "schema": _schema(form)}
    return None


def _schema(form: type[BaseModel]) -> Json:
    return form.model_json_schema()


def _object(text: str) -> str:
    """The JSON object in a text: the last fenced block that holds one, else from the first brace to the last."""
    blocks = [block for block in FENCE.findall(text) if block.lstrip().startswith("{")]
    if blocks and not text.lstrip().startswith("{"):
        return str(blocks[-1])
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text
