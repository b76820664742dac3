"""Several candidates side by side: each against every written test, and a model's choice where that tells nothing."""

from collections.abc import Sequence
from dataclasses import asdict

from pydantic import BaseModel, ConfigDict, Field

from agents.choose import Candidate
from agents.conversation import Conversation
from agents.evidence import Evidence
from agents.office import Office
from agents.prompts import render
from agents.record import digest
from agents.state import Files, State
from agents.structured import ask
from agents.tester import evidence_of
from agents.trouble import ModelError
from sandbox.api import BadInput
from tasks.limits import OverBudget


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int = Field(ge=1)
    reasons: str


def judged(office: Office, state: State, written: Files, showing: list[str]) -> Candidate:
    """An attempt's best patch with what the harness sees of it under every attempt's test."""
    patch = office.store.get(state.get("best", ""))
    if not patch:
        return Candidate(b"", Evidence((), tuple(showing), (), "", {}))
    edits = office.store.files(state["best_edits"])
    key = digest([state["best"], showing])
    seen = office.memory.remember(
        office.seat("judge"), 1, key, lambda: asdict(evidence_of(office, edits, written, showing))
    )
    return Candidate(patch, Evidence.from_json(seen))


def choose_by_model(office: Office, patches: Sequence[bytes]) -> int | None:
    """The place of the patch that a model would merge; None where it cannot say."""
    brain = office.brains["reviewer"]
    talk = Conversation(brain, "chooser", render("chooser", brain.model.prompts))
    most = office.room("reviewer").diff // max(2, len(patches))
    parts = [
        f"## Change {number}\n\n```diff\n{patch.decode('utf-8', 'replace')[:most]}\n```"
        for number, patch in enumerate(patches, 1)
    ]
    task = "\n\n".join([*parts, f"Choose one: a number from 1 to {len(patches)}."])
    showing = office.shown("reviewer", list(office.showing), {})
    talk.say(office.opening("reviewer", "chooser", showing=showing, task=office.clean(task)))
    try:
        number = ask(talk, Choice).number
    except (ModelError, OverBudget, BadInput) as error:  # what there is to choose among is good without a choice
        office.tell("review", f"no choice: {error}")
        return None
    return number - 1 if number <= len(patches) else None
