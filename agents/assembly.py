"""Putting the parts together: a wave's edits into one tree, a tree into a patch, a rejected patch back into work."""

import difflib
from collections.abc import Mapping

from langgraph.runtime import Runtime

from agents.merge import join as merge
from agents.office import Office
from agents.planner import ready, single
from agents.state import Files, State, Subtask

DIFF = 8_000  # characters of a lost diff that its new subtask is told


def join(state: State, runtime: Runtime[Office]) -> State:
    """The node after a wave. What does not fit together becomes a subtask of its own, which is told what was lost."""
    office = runtime.context
    edits = office.store.files(state["edits"])
    plan, joined = list(state["plan"]), list(state["joined"])
    for subtask in ready(state):
        finished = state.get("finished", {}).get(subtask["id"])
        if finished is None:
            continue
        start, theirs = office.store.files(finished["start"]), office.store.files(finished["edits"])
        base = {path: start[path] if path in start else _on_base(office, path) for path in {**edits, **theirs}}
        result = merge(base, edits, theirs)
        edits = result.files
        joined.append(subtask["id"])
        if result.conflicts:
            office.tell("plan", f"{subtask['id']} contradicts other work in {', '.join(result.conflicts)}: again")
            plan = _again(plan, subtask, _diff(base, theirs, result.conflicts))
    return {"edits": office.store.put_files(edits), "joined": joined, "plan": plan}


def _again(plan: list[Subtask], subtask: Subtask, lost: str) -> list[Subtask]:
    """The plan with a subtask more, on which everything depends that depended on the one that was lost."""
    name = f"{subtask['id']}-again"
    goal = (
        f"{subtask['goal']}\n\nThis was done once, side by side with other work that is in the tree now, and both "
        f"changed the same lines. Bring it in, and keep what the other work did. The change that is not in:\n\n{lost}"
    )
    waiting: list[Subtask] = [
        {**other, "depends_on": [name if need == subtask["id"] else need for need in other["depends_on"]]}
        for other in plan
    ]
    return [*waiting, {**subtask, "id": name, "goal": goal, "depends_on": []}]


def _diff(base: Mapping[str, bytes | None], theirs: Files, paths: tuple[str, ...]) -> str:
    parts: list[str] = []
    for path in paths:
        old, new = ((side or b"").decode("utf-8", "replace").splitlines() for side in (base[path], theirs[path]))
        parts += difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="")
    return "\n".join(parts)[:DIFF]


def _on_base(office: Office, path: str) -> bytes | None:
    place = office.site.tree / path
    return place.read_bytes() if place.is_file() and not place.is_symlink() else None


def integrate(state: State, runtime: Runtime[Office]) -> State:
    """The node: all edits as one patch, with the written test where it is to stay."""
    office = runtime.context
    edits = office.store.files(state["edits"])
    kept = office.store.files(state["test"]) if office.keep_test and edits else {}
    patch = office.site.patch({**edits, **kept}) if edits else b""
    return {"patch": office.store.put(patch)}


def revise(state: State, runtime: Runtime[Office]) -> State:
    """The node: back to work on the same edits. A single coder goes on in its own talk; several become one."""
    turn: State = {"round": state.get("round", 0) + 1}
    if len(state["plan"]) == 1:
        return turn | {"joined": []}
    reasons = runtime.context.store.text(state["reasons"])
    task = single(f"The issue is solved in part: the edits are in the tree. What is left to do:\n{reasons}")
    return turn | {"plan": [{**task, "id": f"{task['id']}-{turn['round']}"}], "joined": []}


def replan(state: State, runtime: Runtime[Office]) -> State:
    """The node: from the base again, with another approach."""
    return {"round": state.get("round", 0) + 1}
