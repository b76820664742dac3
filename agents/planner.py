"""The planner: cuts an issue into subtasks where it is more than one change; dispatch sends them out in waves."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Send
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.conversation import Conversation
from agents.office import Office
from agents.prompts import render
from agents.state import Part, State, Subtask, Work
from agents.structured import ask
from agents.trouble import ModelError, ModelUnavailable
from tasks.limits import Budget, OverBudget
from tasks.task import Issue

MOST = 6  # subtasks
CODERS = 90  # percent of what is left of the budget that the coders of a plan may use: someone must review
WHOLE = "whole"  # the only subtask of a small issue
# Items of a list, but not what bug-report templates bring: their headings, "- Python: 3.9", "1. Run this".
DEMAND = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?:\[ \]\s*)?(?![\w /()-]{1,30}:|\[)\S", re.MULTILINE)
STEPS = re.compile(r"\breproduc|\bsteps?\b", re.IGNORECASE)
NUMBERED = re.compile(r"^\s*\d+[.)]\s.*$", re.MULTILINE)
FENCED = re.compile(r"```.*?(?:```|\Z)|^(?: {4}|\t).*$", re.DOTALL | re.MULTILINE)
SOURCE = re.compile(r"\b[\w/]+/\w+\.(?:py|pyx|js|ts|tsx|go|rs|java|c|cc|cpp|rb|php|cs|kt|swift|scala)\b")


class PlannedSubtask(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = Field(pattern=r"^[a-z0-9-]{1,30}$")
    goal: str
    files: list[str]
    symbols: list[str]
    check: str
    depends_on: list[str]
    share: int = Field(ge=1, le=100, description="percent of the work")


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")
    subtasks: list[PlannedSubtask] = Field(min_length=1, max_length=MOST)

    @model_validator(mode="after")
    def _possible(self) -> "Plan":
        ids = [subtask.id for subtask in self.subtasks]
        if len(set(ids)) < len(ids):
            raise ValueError("two subtasks have the same id")
        left, done = list(self.subtasks), set[str]()
        while left:
            ready = [subtask for subtask in left if set(subtask.depends_on) <= done]
            if not ready:
                raise ValueError("depends_on names an unknown subtask, or goes round in a circle")
            done |= {subtask.id for subtask in ready}
            left = [subtask for subtask in left if subtask.id not in done]
        return self

    def rows(self) -> list[Subtask]:
        return [Subtask(**subtask.model_dump()) for subtask in self.subtasks]  # type: ignore[typeddict-item]


def small(issue: Issue) -> bool:
    """One place, few files: no planning call. An issue that lists several demands, or names many files, is planned."""
    prose = FENCED.sub("", issue.body)
    prose = NUMBERED.sub("", prose) if STEPS.search(prose) else prose
    files = set(SOURCE.findall(prose))
    return len(DEMAND.findall(prose)) < 3 and len(files) < 3


def single(goal: str = "Solve the issue.") -> Subtask:
    return Subtask(id=WHOLE, goal=goal, files=[], symbols=[], check="", depends_on=[], share=100)


def plan(state: State, runtime: Runtime[Office]) -> State:
    """The node: subtasks. At the second time round, after `replan`, the reasons are part of what the planner reads."""
    office = runtime.context
    again = state.get("round", 0)
    fresh: State = {"joined": [], "edits": office.store.put_files({})}
    if not again and small(office.task.issue):
        return fresh | {"plan": [single()]}
    office.tell("plan", "cutting the issue into subtasks")
    try:
        subtasks = _asked(office, state, again)
    except OverBudget as error:
        return fresh | {"plan": [], "stopped": "over_budget", "why": str(error)}
    except ModelUnavailable as error:
        return fresh | {"plan": [], "stopped": "infra_error", "why": str(error)}
    except ModelError as error:
        office.tell("plan", f"no plan, so it is one task: {error}")
        subtasks = [single()]
    if again:  # ids of an earlier plan stand for work that is done: new ones need names of their own
        subtasks = [_renamed(subtask, f"r{again}-") for subtask in subtasks]
    return fresh | {"plan": subtasks}


def _asked(office: Office, state: State, again: int) -> list[Subtask]:
    seat = office.seat(f"planner/{again}")
    brain = office.brains["planner"]
    talk = Conversation(brain, seat, render("planner", brain.model.prompts, most=MOST))
    task = "Cut this issue into subtasks."
    if again:
        task += f" A first approach was rejected: {office.store.text(state['reasons'])}"
    notes = "\n".join(state.get("notes", []))
    talk.say(office.opening("planner", seat, notes=notes, task=task))
    return ask(talk, Plan).rows()


def _renamed(subtask: Subtask, prefix: str) -> Subtask:
    names = [prefix + name for name in subtask["depends_on"]]
    return {**subtask, "id": prefix + subtask["id"], "depends_on": names}


def ready(state: State) -> list[Subtask]:
    """Subtasks whose edits are not in yet, and all they depend on are."""
    joined = set(state["joined"])
    return [task for task in state["plan"] if task["id"] not in joined and set(task["depends_on"]) <= joined]


def dispatch(state: State) -> Sequence[Send] | Literal["integrate", "__end__"]:
    """The edge after planning and after a join: the next wave, or on."""
    if not state["plan"]:
        return "__end__"
    wave = [] if state.get("stopped") else ready(state)
    if not wave:
        return "integrate"
    return [Send("code", _work(state, subtask)) for subtask in wave]


def _work(state: State, subtask: Subtask) -> Work:
    """A subtask that was worked on before goes on in the same talk."""
    before = state.get("finished", {}).get(subtask["id"])
    return Work(
        subtask=subtask,
        start=state["edits"],
        talk=before["talk"] if before else "",
        say=state["reasons"] if before else "",
        test=state["test"],
        showing=state["showing"],
        said=state.get("said", ""),
        notes=state.get("notes", []),
        part=state.get("parts", {}).get(subtask["id"]),
    )


def parts(plan: Sequence[Subtask], budget: Budget) -> dict[str, Part]:
    """What each of several subtasks may use of what is left now. One that comes later has all that is left then."""
    if len(plan) < 2:
        return {}
    left, total = budget.left, sum(subtask["share"] for subtask in plan)
    found = {}
    for subtask in plan:
        of = Decimal(subtask["share"] * CODERS) / (total * 100)
        found[subtask["id"]] = Part(
            calls=None if left.calls is None else max(1, int(left.calls * of)),
            tokens=None if left.tokens is None else int(left.tokens * of),
            dollars=None if left.dollars is None else str(left.dollars * of),
        )
    return found
