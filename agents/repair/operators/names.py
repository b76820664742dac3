"""Names: another variable, another attribute, `x` for `self.x`."""

import ast
import difflib
from collections.abc import Iterator, Mapping

from agents.repair.scope import UNKNOWN, compatible
from agents.repair.spot import Change, Spot

OWN = ("self", "cls")
MOST_NAMES = 20  # of a module


def variable(spot: Spot) -> Iterator[Change]:
    """Another variable in scope whose type fits."""
    if not isinstance(spot.node, ast.Name) or spot.node.id not in spot.scope.variables or _is_callee(spot):
        return
    mine = spot.scope.variables[spot.node.id]
    stored = not isinstance(spot.node.ctx, ast.Load)
    for name, others in spot.scope.variables.items():
        if name == spot.node.id or name in OWN or not compatible(mine, others):
            continue
        yield spot.replace(spot.node, name, (1.2 if mine and others else 1.5) + 0.4 * stored)


def expression(spot: Spot) -> Iterator[Change]:
    """A variable in place of a whole expression."""
    if not isinstance(spot.node, ast.Call | ast.Subscript | ast.Attribute | ast.BinOp) or _is_callee(spot):
        return
    if isinstance(getattr(spot.node, "ctx", None), ast.Store | ast.Del) or isinstance(spot.parent, ast.Expr):
        return
    types = spot.scope.types(spot.node)
    used = {node.id for node in ast.walk(spot.node) if isinstance(node, ast.Name)}
    for name, others in spot.scope.variables.items():
        if name not in OWN and compatible(types, others):
            yield spot.replace(spot.node, name, 1.6 if name in used else 1.8)


def attribute(spot: Spot) -> Iterator[Change]:
    """A sibling attribute: one that the object had, or that the file uses on the same name."""
    if not isinstance(spot.node, ast.Attribute):
        return
    base = spot.text(spot.node.value)
    seen = dict(spot.scope.attributes.get(base, {}))
    mine = seen.get(spot.node.attr, UNKNOWN)
    names = {name: (1.2, types) for name, types in seen.items()}
    for name in spot.source.attributes.get(base, ()):
        names.setdefault(name, (1.6, UNKNOWN))
    for name, (cost, types) in names.items():
        if name != spot.node.attr and compatible(mine, types):
            yield spot.replace(spot.node, f"{base}.{name}", cost + 0.4 * _is_callee(spot))


def attribute_of(spot: Spot) -> Iterator[Change]:
    """`x.a` for `x`, and `x` for `x.a`."""
    match spot.node:
        case ast.Name(id=name, ctx=ast.Load()) if not _is_callee(spot) and name not in OWN:
            for attr in spot.scope.attributes.get(name, {}):
                yield spot.replace(spot.node, f"{name}.{attr}", 2.0)
        case ast.Attribute(value=value, ctx=ast.Load()) if not _is_callee(spot):
            if not isinstance(value, ast.Name) or value.id not in OWN:
                yield spot.replace(spot.node, spot.text(value), 1.8)


def own(spot: Spot) -> Iterator[Change]:
    """`self.x` for `x`, and `x` for `self.x`."""
    match spot.node:
        case ast.Name(id=name):
            first = next(iter(spot.scope.variables), "")
            if (
                first in OWN
                and name not in OWN
                and (name in spot.scope.attributes.get(first, {}) or _is_method(spot, name))
            ):
                yield spot.replace(spot.node, f"{first}.{name}", 1.2)
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
            if name in spot.scope.variables or name in spot.scope.globals:
                yield spot.replace(spot.node, name, 1.3)


def module_name(spot: Spot) -> Iterator[Change]:
    """Another name of the module: of the same sort where the old one is one, at a price elsewhere."""
    if not isinstance(spot.node, ast.Name) or not isinstance(spot.node.ctx, ast.Load):
        return
    mine = spot.scope.globals.get(spot.node.id)
    if mine is None or spot.node.id in spot.scope.variables:
        return
    for name, sort in _alike(spot.node.id, spot.scope.globals):
        if name != spot.node.id and (sort == mine or "import" in (sort, mine)):
            yield spot.replace(spot.node, name, 1.7 if sort == mine else 2.1)


def _alike(name: str, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Of a large module's names those that are written most alike: these are mistaken for one another."""
    if len(names) <= MOST_NAMES:
        return list(names.items())
    matcher = difflib.SequenceMatcher(None, b=name)
    ranked = sorted(names.items(), key=lambda item: -_ratio(matcher, item[0]))
    return ranked[: MOST_NAMES + 1]


def _ratio(matcher: difflib.SequenceMatcher[str], name: str) -> float:
    matcher.set_seq1(name)
    return matcher.ratio()


def _is_method(spot: Spot, name: str) -> bool:
    owner = spot.source.class_of(spot.node)
    return owner is not None and any(getattr(item, "name", None) == name for item in owner.body)


def _is_callee(spot: Spot) -> bool:
    return isinstance(spot.parent, ast.Call) and spot.parent.func is spot.node
