"""What stands above a function's body: its defaults and its decorators. Only a fresh import shows a change of them."""

import ast
from collections import Counter
from collections.abc import Iterator

from agents.repair.edits import Edit
from agents.repair.elsewhere import defaults_of
from agents.repair.source import Function
from agents.repair.spot import Change, Spot

MOST_DECORATORS = 3


def default(spot: Spot) -> Iterator[Change]:
    """Another default: what namesakes of the parameter have, or None."""
    arguments = spot.parent
    owner = spot.source.parents.get(arguments) if isinstance(arguments, ast.arguments) else None
    if not isinstance(owner, Function):
        return
    for name, node in defaults_of(owner):
        if node is spot.node:
            for text in (*spot.elsewhere.defaults(name), "None"):
                if text != spot.text(node):
                    yield spot.replace(node, text, 1.5)


def optional(spot: Spot) -> Iterator[Change]:
    """A default for the parameter that a call left out."""
    function = _owner(spot)
    if function is None:
        return
    required = function.args.args[: len(function.args.args) - len(function.args.defaults)]
    for argument in required[-1:]:
        if argument.arg in spot.clues.missing:
            end = spot.source.span(argument)[1]
            for text in (*spot.elsewhere.defaults(argument.arg)[:3], "None"):
                sign = " = " if argument.annotation else "="
                yield Change(Edit(end, end, f"{sign}{text}".encode()), 1.6)


def decorated(spot: Spot) -> Iterator[Change]:
    """A decorator that other functions of its class or module have."""
    function = _owner(spot)
    if function is None or not spot.source.begins_line(function):
        return
    holder = spot.source.parents.get(function)
    siblings = [item for item in getattr(holder, "body", []) if isinstance(item, Function) and item is not function]
    common = Counter(spot.text(node) for item in siblings for node in item.decorator_list)
    have = {spot.text(node) for node in function.decorator_list}
    start, indent = spot.source.whole_lines(function)[0], spot.source.indent(function)
    for text, _ in common.most_common(MOST_DECORATORS):
        if text not in have and "\n" not in text:
            yield Change(Edit(start, start, f"{indent}@{text}\n".encode()), 2.3)


def _owner(spot: Spot) -> Function | None:
    """The function whose body begins with the statement that is looked at: of a signature no line runs by itself."""
    function = spot.function
    return function if function is not None and function.body[0] is spot.node else None
