"""Every edit worth trying, the most plausible first."""

import ast
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agents.repair.edits import Edit, trimmed
from agents.repair.elsewhere import Elsewhere
from agents.repair.operators.table import OPERATORS
from agents.repair.scope import Observed, Scope, own_nodes, scope_of
from agents.repair.source import Function, Source
from agents.repair.spot import Clues, Spot
from agents.repair.suspicion import Line

WEIGHT = 1.5  # what the least suspicious line costs on top of an operator's own cost
SIGNATURE = 0.7  # suspicion of a signature, of that of the function's body: it is not run when tests run
OUTSIDE = 0.6  # suspicion of what a module or class defines and suspicious lines use
MOST = 30_000  # that are made up
TRIED = 8_000  # the cheapest of them: a "no" stays cheap
LONGEST = 2_000  # bytes that an edit may put in


@dataclass(frozen=True, slots=True)
class Proposal:
    path: str
    edit: Edit
    cost: float
    operator: str
    line: int


@dataclass(frozen=True)
class Findings:
    """What is known of the failure when edits are made up."""

    suspicion: Mapping[Line, float]  # 0 to 1
    observed: Mapping[str, Mapping[tuple[int, str], Observed]] = field(default_factory=dict)  # by file
    clues: Clues = field(default_factory=Clues)


def propose(sources: Mapping[str, Source], findings: Findings, *, until: float) -> list[Proposal]:
    """The cheapest edits of all files in order of cost.

    `until`: time.monotonic() after which no further place is looked at.
    """
    found: dict[tuple[str, Edit], Proposal] = {}
    scopes: dict[tuple[str, ast.AST | None], Scope] = {}  # the same for all nodes of a function
    elsewhere = Elsewhere(tuple(sources.values()))
    for source, node, suspicion in places(sources, findings.suspicion):
        if time.monotonic() > until or len(found) >= MOST:
            break
        where = source.path, source.function(node)
        if where not in scopes:
            scopes[where] = scope_of(source, node, findings.observed.get(source.path, {}))
        spot = Spot(source, node, scopes[where], findings.clues, elsewhere)
        for name, operator in OPERATORS.items():
            for change in operator(spot):
                if len(change.edit.text) > LONGEST + change.edit.end - change.edit.start:
                    continue
                core = trimmed(source.data, change.edit)
                key = (source.path, core)
                cost = change.cost + WEIGHT * (1 - suspicion)
                if (core.start == core.end and not core.text) or (key in found and found[key].cost <= cost):
                    continue
                found[key] = Proposal(source.path, change.edit, cost, name, getattr(node, "lineno", 0))
    return sorted(found.values(), key=lambda item: (item.cost, item.path, item.edit))[:TRIED]


def places(sources: Mapping[str, Source], suspicion: Mapping[Line, float]) -> Iterator[tuple[Source, ast.AST, float]]:
    """Nodes to look at, the most suspicious first."""
    found: list[tuple[float, str, int, Source, ast.AST]] = []
    for path, source in sources.items():
        lines = {line: score for (file, line), score in suspicion.items() if file == path}
        outside = _outside(source, lines)
        for number, node in enumerate(source.nodes):
            score = _score(source, node, lines) or outside.get(node, 0.0)
            if score:
                found.append((-score, path, number, source, node))
    for score, _, _, source, node in sorted(found, key=lambda item: item[:3]):
        yield source, node, -score


def _score(source: Source, node: ast.AST, lines: Mapping[int, float]) -> float:
    if not isinstance(node, ast.expr | ast.stmt | ast.ExceptHandler):
        return 0.0
    compound = isinstance(node, ast.stmt) and hasattr(node, "body")
    last = node.lineno if compound else node.end_lineno or node.lineno
    score = max((lines.get(line, 0.0) for line in range(node.lineno, min(last, node.lineno + 200) + 1)), default=0.0)
    if score or isinstance(node, Function | ast.ClassDef):
        return score
    for parent in source.ancestors(node):
        if isinstance(parent, ast.arguments):
            owner = source.parents.get(parent)
            body = owner.body if isinstance(owner, Function) else []
            return SIGNATURE * max((lines.get(item.lineno, 0.0) for item in body), default=0.0)
        if isinstance(parent, ast.stmt):
            # A part of a long expression: some Pythons count it to the first line of its statement.
            return lines.get(parent.lineno, 0.0)
    return 0.0


def _outside(source: Source, lines: Mapping[int, float]) -> dict[ast.AST, float]:
    """Assignments of modules and classes to names that suspicious lines use."""
    used = {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in source.nodes
        if isinstance(node, ast.Name | ast.Attribute) and lines.get(node.lineno)
    }
    most = max(lines.values(), default=0.0)
    found: dict[ast.AST, float] = {}
    for node in own_nodes([*source.tree.body, *_class_bodies(source)]):
        if isinstance(node, ast.Assign | ast.AnnAssign) and source.function(node) is None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)}
            if names & used:
                found.update(dict.fromkeys(ast.walk(node), OUTSIDE * most))
    return found


def _class_bodies(source: Source) -> list[ast.stmt]:
    return [item for node in source.nodes if isinstance(node, ast.ClassDef) for item in node.body]
