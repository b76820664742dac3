"""Which of the patches that pass is the likeliest: its cost, and what in it is often wrong."""

import ast
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agents.repair.candidates import Proposal
from agents.repair.edits import apply
from agents.repair.scope import own_nodes
from agents.repair.source import Function, Source, Unreadable, parse

UNUSED = NO_RECURSION = 1.5
FALLS_OFF = 1.2
BARE = REPEATED = DEAD = NEUTRAL = ONE_ROUND = SLOW = 1.0
TWICE = 0.5
MORE = 1.5  # times as many steps as the quickest patch takes that nothing else is held against


@dataclass(frozen=True, slots=True)
class Ranked:
    proposal: Proposal
    score: float  # lower is likelier
    doubts: tuple[str, ...]  # why it is ranked lower than its cost
    like: int = 0  # how many further plausible patches are the same program, written otherwise


def ranked(source: Source, proposals: Iterable[Proposal]) -> list[Ranked]:
    """Patches of one file, likeliest first; the same program written otherwise counts with its likeliest form."""
    groups: dict[str, list[Ranked]] = {}
    for proposal in proposals:
        try:
            after = parse(source.path, apply(source.data, [proposal.edit]))
        except Unreadable:
            continue
        doubts = doubts_of(source.tree, after.tree)
        score = proposal.cost + sum(doubts.values())
        groups.setdefault(ast.dump(after.tree), []).append(Ranked(proposal, score, tuple(doubts)))
    best = []
    for group in groups.values():
        first = min(group, key=order)
        best.append(Ranked(first.proposal, first.score, first.doubts, len(group) - 1))
    return sorted(best, key=order)


def slowed(found: Iterable[Ranked], steps: Mapping[Proposal, int]) -> list[Ranked]:
    """Doubt those that take many more steps through the same tests than another: a slip seldom changes that.

    One that is doubted already sets no standard: what leaves a loop too early is quick.
    """
    found = list(found)
    fair = [item for item in found if not item.doubts] or found
    least = min((count for item in fair if (count := steps.get(item.proposal, 0))), default=0)
    return [
        replace(item, score=item.score + SLOW, doubts=(*item.doubts, "takes more steps than another"))
        if steps.get(item.proposal, 0) > MORE * least > 0
        else item
        for item in found
    ]


def order(item: Ranked) -> tuple[float, str, int, int]:
    return item.score, item.proposal.path, item.proposal.edit.start, len(item.proposal.edit.text)


def doubts_of(before: ast.Module, after: ast.Module) -> dict[str, float]:
    """What the change does that a right one seldom does, with its penalty."""
    found: dict[str, float] = {}
    old, new = _functions(before), _functions(after)
    for key in old.keys() & new.keys():
        if ast.dump(old[key]) != ast.dump(new[key]):
            found.update(_doubts(old[key], new[key]))
    return found


def _doubts(old: Function, new: Function) -> dict[str, float]:
    checks = {
        "leaves a name unused": (UNUSED, bool(_unread(new) - _unread(old))),
        "may end without a value": (FALLS_OFF, _gives(old) and _ends(old.body) and not _ends(new.body)),
        "returns nothing among values": (BARE, _gives(old) and _bare(new) > _bare(old)),
        "repeats a statement": (REPEATED, _repeats(new) > _repeats(old)),
        "no longer calls itself": (NO_RECURSION, _calls(old, old.name) > _calls(new, new.name) == 0),
        "leaves code that cannot run": (DEAD, _dead(new) > _dead(old)),
        "goes through a loop once at most": (ONE_ROUND, _rounds(new) > _rounds(old)),
        "computes with what changes nothing": (NEUTRAL, _neutral(new) > _neutral(old)),
        "computes the same twice": (TWICE, _same(new) > _same(old)),
    }
    return {name: penalty for name, (penalty, holds) in checks.items() if holds}


def _functions(tree: ast.Module) -> dict[tuple[str, int], Function]:
    """Every function, by name and by how many of that name stand before it."""
    found: dict[tuple[str, int], Function] = {}
    for node in ast.walk(tree):
        if isinstance(node, Function):
            number = 0
            while (node.name, number) in found:
                number += 1
            found[node.name, number] = node
    return found


def _unread(function: Function) -> set[str]:
    nodes = list(ast.walk(function))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
    return (stored | parameters) - read


def _returns(function: Function) -> list[ast.Return]:
    return [node for node in own_nodes(function.body) if isinstance(node, ast.Return)]


def _is_none(node: ast.Return) -> bool:
    return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)


def _gives(function: Function) -> bool:
    return any(not _is_none(node) for node in _returns(function))


def _bare(function: Function) -> int:
    return sum(_is_none(node) for node in _returns(function))


def _ends(body: list[ast.stmt]) -> bool:
    """Whether control never leaves the block at its end, as far as its last statement shows."""
    match body[-1] if body else None:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.If(body=then, orelse=other):
            return _ends(then) and _ends(other)
        case ast.While(test=ast.Constant(value=value)) as loop:
            return bool(value) and not any(isinstance(node, ast.Break) for node in ast.walk(loop))
        case ast.Try(body=inner, handlers=handlers, orelse=other):
            return _ends(other or inner) and all(_ends(handler.body) for handler in handlers)
        case ast.With(body=inner):
            return _ends(inner)
    return False


def _blocks(function: Function) -> list[list[ast.stmt]]:
    found = []
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                found.append(block)
    return found


def _repeats(function: Function) -> int:
    """Neighbours that say the same."""
    texts = [[ast.dump(item) for item in block] for block in _blocks(function)]
    return sum(one == other for block in texts for one, other in itertools.pairwise(block))


def _dead(function: Function) -> int:
    """Blocks with statements behind one that leaves."""
    leaves = ast.Return | ast.Raise | ast.Continue | ast.Break
    return sum(any(isinstance(item, leaves) for item in block[:-1]) for block in _blocks(function))


def _rounds(function: Function) -> int:
    """Loops that end in their first round, whatever happens in it."""
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For | ast.AsyncFor | ast.While)]
    return sum(
        _ends(loop.body) and not any(isinstance(node, ast.Continue) for node in ast.walk(loop)) for loop in loops
    )


def _neutral(function: Function) -> int:
    """`x + 0`, `x * 1`, `x ** 1` and their like: a number was changed where an operation should have gone."""
    found = 0
    for node in ast.walk(function):
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub(), right=ast.Constant(value=int() | float() as value)):
                found += value == 0
            case ast.BinOp(op=ast.Mult() | ast.Div() | ast.FloorDiv() | ast.Pow(), right=ast.Constant(value=value)):
                found += value == 1
    return found


def _same(function: Function) -> int:
    """Arithmetic on variables alone that is written more than once."""
    sums = [node for node in ast.walk(function) if isinstance(node, ast.BinOp)]
    plain = [ast.dump(node) for node in sums if not any(isinstance(item, ast.Constant) for item in ast.walk(node))]
    return len(plain) - len(set(plain))


def _calls(function: Function, name: str) -> int:
    names = (
        getattr(node.func, "id", getattr(node.func, "attr", ""))
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    )
    return sum(found == name for found in names)
