"""A person in the loop: shown the plan or the patch, they accept, edit or refuse, and may leave a note."""

from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.office import Office
from agents.planner import Plan, parts
from agents.state import State
from agents.tools import complaint
from sandbox.api import BadInput


class Answer(BaseModel):
    """What a person says to a question. `plan` replaces the plan that was shown."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["accept", "edit", "refuse"]
    plan: Plan | None = None
    note: str = ""  # every model call to come sees it


def approve_plan(state: State, runtime: Runtime[Office]) -> State:
    """The node: what stands before the interrupt runs again when the answer comes. Then the budget is divided."""
    office = runtime.context
    if "plan" not in office.approve or not state["plan"]:
        return {"parts": parts(state["plan"], office.site.budget)}
    answer = read(interrupt({"about": "plan", "plan": state["plan"]}))
    if answer.decision == "refuse":
        return _said(state, "plan", answer) | {"plan": [], "stopped": "gave_up", "why": "the plan was refused"}
    plan = answer.plan.rows() if answer.plan else state["plan"]
    return _said(state, "plan", answer) | {"plan": plan, "parts": parts(plan, office.site.budget)}


def approve_patch(state: State, runtime: Runtime[Office]) -> State:
    """The node: a refusal with a note goes back to work, one without ends the run."""
    office = runtime.context
    if "patch" not in office.approve:
        return {}
    patch = office.store.get(state["patch"]).decode("utf-8", "replace")
    answer = read(interrupt({"about": "patch", "patch": patch, "evidence": office.store.text(state["evidence"])}))
    said = _said(state, "patch", answer)
    if answer.decision == "accept":
        return said
    if answer.note:
        reasons = office.store.put_text(f"The person you work for sends the patch back: {answer.note}")
        return said | {"next": "revise", "reasons": reasons}
    return said | {"next": "give_up", "stopped": "gave_up", "why": "the patch was refused", "best": ""}


def read(value: object) -> Answer:
    """Raises BadInput: it is no answer; says what is wrong."""
    try:
        return Answer.model_validate(value)
    except ValidationError as error:
        raise BadInput(f"not an answer: {complaint(error)}") from error


def _said(state: State, about: str, answer: Answer) -> State:
    decision = {"about": about, "decision": answer.decision, "note": answer.note}
    notes = [*state.get("notes", []), answer.note] if answer.note else state.get("notes", [])
    return {"decisions": [*state.get("decisions", []), decision], "notes": notes}
