"""Expressions and statements that stand in other places: of the function, of its file, of other files."""

import ast
from collections.abc import Iterator

from agents.repair.elsewhere import Phrase
from agents.repair.operators.statements import around
from agents.repair.scope import compatible, own_nodes
from agents.repair.source import last_name
from agents.repair.spot import Change, Spot

KINDS = (ast.Call, ast.Attribute, ast.Subscript, ast.BinOp, ast.Compare, ast.BoolOp)
MOST = 25
MOST_ELSEWHERE = 10
LONGEST = 80  # characters of a copied expression


def expression(spot: Spot) -> Iterator[Change]:
    """Another expression of the same function in place of this one."""
    if not isinstance(spot.node, (*KINDS, ast.Name)) or spot.function is None or not _is_read(spot):
        return
    mine, types = spot.text(spot.node), spot.scope.types(spot.node)
    condition = isinstance(spot.node, ast.Compare | ast.BoolOp)
    found: dict[str, int] = {}
    for node in own_nodes(spot.function.body):
        if not isinstance(node, KINDS) or condition != isinstance(node, ast.Compare | ast.BoolOp):
            continue
        if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del) or not compatible(types, spot.scope.types(node)):
            continue
        text = spot.text(node)
        if text != mine and len(text) <= LONGEST and "\n" not in text:
            distance = abs(node.lineno - getattr(spot.node, "lineno"))  # noqa: B009  (typed as any node)
            found[text] = min(distance, found.get(text, distance))
    for text in sorted(found, key=lambda item: found[item])[:MOST]:
        yield spot.replace(spot.node, text, 1.9 if mine in text or text in mine else 2.1)


def call(spot: Spot) -> Iterator[Change]:
    """The same callee with what it is given elsewhere."""
    if isinstance(spot.node, ast.Call):
        for text in _fitting(spot, spot.elsewhere.calls(last_name(spot.node.func))):
            yield spot.replace(spot.node, text, 2.1)


def value(spot: Spot) -> Iterator[Change]:
    """What a target of the same text is set to elsewhere."""
    match spot.node:
        case ast.Assign(targets=[target], value=old):
            for text in _fitting(spot, spot.elsewhere.values(spot.text(target))):
                yield spot.replace(old, text, 2.0)


def statement(spot: Spot) -> Iterator[Change]:
    """A statement or a guard of another function, once more here."""
    if not isinstance(spot.node, ast.stmt) or spot.function is None:
        return
    local = spot.scope.variables.keys()
    for phrase in spot.elsewhere.statements(spot.function, spot.scope.visible, local):
        yield from around(spot, phrase.text, 2.4 if phrase.inside == spot.function.name else 2.6)


def _fitting(spot: Spot, phrases: list[Phrase]) -> list[str]:
    here = spot.function
    other = [
        item.text for item in phrases if item.names <= spot.scope.visible and item.inside != getattr(here, "name", "")
    ]
    return [text for text in dict.fromkeys(other) if text != spot.text(spot.node)][:MOST_ELSEWHERE]


def _is_read(spot: Spot) -> bool:
    if isinstance(getattr(spot.node, "ctx", None), ast.Store | ast.Del) or isinstance(spot.parent, ast.Expr):
        return False
    if isinstance(spot.parent, ast.Attribute | ast.keyword) and not isinstance(spot.node, ast.Call | ast.Subscript):
        return isinstance(spot.parent, ast.keyword)
    return not (isinstance(spot.parent, ast.Call) and spot.parent.func is spot.node)
