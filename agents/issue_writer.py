"""The issue of a mined row, in a model's words. Only where somebody names the model."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from agents.conversation import Brain, Conversation
from agents.prompts import render
from agents.structured import ask

SAID, CHANGE, NAMES = 8_000, 20_000, 40  # characters of the author's words and of the change; tests


class Written(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    body: str


def write_issue(brain: Brain, said: str, tests: list[str], change: str, clean: Callable[[str], str]) -> Written:
    """`clean` takes secrets out of what the model sees.

    Raises:
        ModelError, OverBudget, BadInput: see `trouble.py`.
    """
    talk = Conversation(brain, "issue writer", render("issue_writer", brain.model.prompts))
    parts = ["## What its author said", said[:SAID], "## Tests that it mends", "\n".join(tests[:NAMES])]
    talk.say(clean("\n\n".join([*parts, "## The change", change[:CHANGE]])))
    return ask(talk, Written)
