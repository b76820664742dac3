"""What the files that failing tests ran write in other places: calls, signatures, assignments, statements, by name."""

import ast
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from functools import cached_property

from agents.repair.source import Function, Source

LONGEST = 120  # characters of what is copied
MOST = 12  # of each sort that is handed out
PLAIN = (ast.Assign, ast.AugAssign, ast.Expr)
LEAVING = (ast.Return, ast.Raise, ast.Continue)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of code on one line, or a guard of two, indented from zero by four."""

    text: str
    names: frozenset[str]  # that it reads or sets
    inside: str  # name of the function that it stands in
    node: ast.AST


@dataclass
class Elsewhere:
    sources: tuple[Source, ...] = ()
    _fitting: dict[Function, list[Phrase]] = field(default_factory=dict)

    def parameters(self, callee: str) -> list[str]:
        """Names that functions of this name take."""
        return list(dict.fromkeys(name for source in self.sources for name in source.parameters.get(callee, ())))

    def keywords(self, callee: str) -> dict[tuple[str, str], frozenset[str]]:
        """(keyword, value) that calls of this name give → the names in the value."""
        return self._keywords.get(callee, {})

    def calls(self, callee: str) -> list[Phrase]:
        return self._calls.get(callee, [])

    def values(self, target: str) -> list[Phrase]:
        """What is assigned to the same text."""
        return self._values.get(target, [])

    def defaults(self, parameter: str) -> list[str]:
        """What functions give a parameter of this name by default."""
        return self._defaults.get(parameter, [])

    def statements(self, function: Function, visible: Set[str], local: Set[str]) -> list[Phrase]:
        """Statements of other functions that could stand in this one: those of its namesakes first.

        All their names are `visible`, and one at least is `local`.
        """
        if function not in self._fitting:
            inside = set(ast.walk(function))
            fitting = [
                phrase
                for phrase in self._statements
                if phrase.names <= visible and phrase.names & local and phrase.node not in inside
            ]
            fitting.sort(key=lambda phrase: (phrase.inside != function.name, -len(phrase.names & local)))
            unique = {phrase.text: phrase for phrase in reversed(fitting)}
            self._fitting[function] = list(reversed(unique.values()))[:MOST]
        return self._fitting[function]

    @cached_property
    def _keywords(self) -> dict[str, dict[tuple[str, str], frozenset[str]]]:
        found: dict[str, dict[tuple[str, str], frozenset[str]]] = {}
        for source in self.sources:
            for callee, calls in source.calls.items():
                for item in (item for call in calls for item in call.keywords if item.arg):
                    text = source.text(item.value)
                    if len(text) <= LONGEST and "\n" not in text:
                        found.setdefault(callee, {})[item.arg or "", text] = names(item.value)
        return found

    @cached_property
    def _calls(self) -> dict[str, list[Phrase]]:
        found: dict[str, list[Phrase]] = {}
        for source in self.sources:
            for callee, calls in source.calls.items():
                for call in calls:
                    found.setdefault(callee, []).extend(_phrase(source, call))
        return found

    @cached_property
    def _values(self) -> dict[str, list[Phrase]]:
        found: dict[str, list[Phrase]] = {}
        for source in self.sources:
            for node in source.nodes:
                if isinstance(node, ast.Assign) and len(node.targets) == 1:
                    found.setdefault(source.text(node.targets[0]), []).extend(_phrase(source, node.value))
        return found

    @cached_property
    def _defaults(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for source in self.sources:
            for node in source.nodes:
                for name, default in defaults_of(node) if isinstance(node, Function) else ():
                    texts = found.setdefault(name, [])
                    if source.text(default) not in texts:
                        texts.append(source.text(default))
        return found

    @cached_property
    def _statements(self) -> list[Phrase]:
        found: list[Phrase] = []
        for source in self.sources:
            for node in source.nodes:
                if isinstance(node, PLAIN) and not _is_text(node):
                    found += _phrase(source, node)
                elif isinstance(node, ast.If) and len(node.body) == 1 and not node.orelse:
                    found += _guard(source, node)
        return found


def names(node: ast.AST) -> frozenset[str]:
    return frozenset(item.id for item in ast.walk(node) if isinstance(item, ast.Name))


def defaults_of(function: Function) -> Iterator[tuple[str, ast.expr]]:
    """Parameters that have a default, with it."""
    positional = [*function.args.posonlyargs, *function.args.args]
    defaults = function.args.defaults
    pairs: Iterable[tuple[ast.arg, ast.expr | None]] = [
        *zip(positional[len(positional) - len(defaults) :], defaults, strict=True),
        *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
    ]
    yield from ((argument.arg, default) for argument, default in pairs if default is not None)


def _phrase(source: Source, node: ast.expr | ast.stmt) -> Iterator[Phrase]:
    if node.lineno == node.end_lineno and node.end_col_offset - node.col_offset <= LONGEST:  # type: ignore[operator]
        yield Phrase(source.text(node), names(node), getattr(source.function(node), "name", ""), node)


def _guard(source: Source, node: ast.If) -> Iterator[Phrase]:
    """`if ...: return ...` and its like."""
    [inner] = node.body
    if isinstance(inner, LEAVING):
        for test in _phrase(source, node.test):
            for way in _phrase(source, inner):
                yield Phrase(f"if {test.text}:\n    {way.text}", names(node), way.inside, node)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
