"""Nodes and edges, and nothing else.

reproduce → plan → approve_plan → (Send) code × n → join → … → integrate → test → review → approve_patch → done
             ▲                      ▲                                                │
             └──────── replan ──────┴─────────────────── revise ─────────────────────┘
"""

from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import RetryPolicy

from agents.assembly import integrate, join, replan, revise
from agents.coder import code
from agents.office import Office
from agents.person import approve_patch, approve_plan
from agents.planner import dispatch, plan
from agents.reviewer import review
from agents.state import State
from agents.tester import reproduce, test

# Retries belong to the model client: LangGraph's own would not retry a 429, and would retry any bug.
NEVER = RetryPolicy(max_attempts=1, retry_on=lambda error: False)


def build(checkpointer: Any = None) -> CompiledStateGraph[State, Office, State, State]:
    return _compiled().copy({"checkpointer": checkpointer})


@cache
def _compiled() -> CompiledStateGraph[State, Office, State, State]:
    """Once for all attempts of a batch: compiling takes 11 to 14 ms of CPU, a copy 0.1."""
    graph = StateGraph(State, context_schema=Office)
    for node in (reproduce, plan, approve_plan, code, join, integrate, test, review, approve_patch, revise, replan):
        graph.add_node(node.__name__, node, retry_policy=NEVER)  # type: ignore[call-overload]
    graph.add_edge(START, "reproduce")
    graph.add_conditional_edges("reproduce", go_on, {"go": "plan", "stop": END})
    graph.add_edge("plan", "approve_plan")
    graph.add_conditional_edges("approve_plan", dispatch, ["code", "integrate", END])
    graph.add_edge("code", "join")
    graph.add_conditional_edges("join", dispatch, ["code", "integrate", END])
    graph.add_edge("integrate", "test")
    graph.add_edge("test", "review")
    graph.add_conditional_edges("review", reviewed, ["approve_patch", "revise", "replan", END])
    graph.add_conditional_edges("approve_patch", approved, ["revise", END])
    graph.add_conditional_edges("revise", dispatch, ["code", "integrate", END])
    graph.add_edge("replan", "plan")
    return graph.compile()


def go_on(state: State) -> Literal["go", "stop"]:
    return "stop" if state.get("stopped") else "go"


def reviewed(state: State) -> Literal["approve_patch", "revise", "replan", "__end__"]:
    match state["next"]:
        case "accept":
            return "approve_patch"
        case "revise":
            return "revise"
        case "replan":
            return "replan"
        case _:
            return "__end__"


def approved(state: State) -> Literal["revise", "__end__"]:
    return "revise" if state["next"] == "revise" else "__end__"


def team() -> CompiledStateGraph[State, Office, State, State]:
    """The entry of `langgraph.json`: other tools hand in the runtime context and a checkpointer of their own."""
    return build()
