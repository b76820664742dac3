"""The reviewer: sees issue, diff and evidence, never the coder's talk. What the harness saw comes first."""

import json
from typing import Literal

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from agents.conversation import Conversation
from agents.office import Office
from agents.prompts import render
from agents.state import State
from agents.structured import ask
from agents.trouble import ModelError
from tasks.limits import OverBudget

ROUNDS = 3  # times that a patch may be sent back


class Review(BaseModel):
    model_config = ConfigDict(extra="forbid")
    verdict: Literal["accept", "revise", "replan"]
    reasons: str


def review(state: State, runtime: Runtime[Office]) -> State:
    """The node: accept, send back with reasons, or give up. A patch with failing tests goes back without a call."""
    office = runtime.context
    if state.get("stopped"):
        return {"next": "give_up"}
    evidence = json.loads(office.store.text(state["evidence"]))["text"]
    last = state.get("round", 0) >= ROUNDS
    if not state["good"] or not office.store.get(state["patch"]):
        why = evidence if office.store.get(state["patch"]) else "Nothing was changed."
        return _back(office, "give_up" if last else "revise", f"The harness ran the tests with your edits. {why}")
    office.tell("review", "reading the diff")
    try:
        read = _asked(office, state, evidence)
    except OverBudget as error:
        return {"next": "give_up", "stopped": "over_budget", "why": str(error)}
    except ModelError as error:
        # The evidence is good: a reviewer that cannot speak takes nothing from it.
        office.tell("review", f"no review: {error}")
        return _back(office, "accept", str(error))
    office.tell("review", f"{read.verdict}: {read.reasons.splitlines()[0][:120] if read.reasons else ''}")
    if read.verdict != "accept" and last:
        return _back(office, "give_up", read.reasons)
    return _back(office, read.verdict, f"A reviewer read your diff and sends it back: {read.reasons}")


def _back(office: Office, step: Literal["accept", "revise", "replan", "give_up"], reasons: str) -> State:
    return {"next": step, "reasons": office.store.put_text(reasons)}


def _asked(office: Office, state: State, evidence: str) -> Review:
    number = state.get("round", 0)
    seat = office.seat(f"reviewer/{number}")
    brain = office.brains["reviewer"]
    talk = Conversation(brain, seat, render("reviewer", brain.model.prompts))
    diff = office.store.get(state["patch"]).decode("utf-8", "replace")[: office.room("reviewer").diff]
    task = f"Review this diff.\n\n```diff\n{diff}\n```\n\nWhat the harness saw:\n{evidence}"
    notes = "\n".join(state.get("notes", []))
    talk.say(office.opening("reviewer", seat, notes=notes, task=office.clean(task), code=False))
    return ask(talk, Review)
