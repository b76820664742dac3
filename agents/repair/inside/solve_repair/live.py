"""Puts a candidate's code into the functions that are alive, so that nothing is imported anew.

Functions are found by the garbage collector: whatever holds them (a decorator's closure, a class, a registry), their
`__code__` is what runs.
"""

from __future__ import annotations
import __future__

import ast
import functools
import gc
import os
from types import CodeType, FunctionType
from typing import Any

from solve_repair.plan import Candidate, Unit
from solve_repair.ticks import instrument

_FUTURE = functools.reduce(
    lambda mask, name: mask | getattr(__future__, name).compiler_flag, __future__.all_feature_names, 0
)
_CACHE = type(functools.lru_cache(maxsize=1)(len))
Key = tuple  # (co_name, co_firstlineno)


class NotSwappable(Exception):
    """The candidate shows only after a fresh import."""


class Live:
    """The functions alive now, by file; made once, before workers are forked."""

    def __init__(self, root: str, paths: set[str]) -> None:
        self._root = root
        self._sources: dict[str, bytes] = {}
        self._bases: dict[tuple[str, int], CodeType] = {}
        self._functions: dict[str, list[FunctionType]] = {path: [] for path in paths}
        self._by_unit: dict[tuple[str, int], list[FunctionType]] = {}
        self._caches: list[Any] = []
        self._paths: dict[str, str] = {}  # by the names that code objects have
        for thing in gc.get_objects():
            if type(thing) is FunctionType:
                path = self._path(thing.__code__)
                if path in self._functions:
                    self._functions[path].append(thing)
            elif type(thing) is _CACHE and self._is_own(getattr(thing, "__wrapped__", None)):
                self._caches.append(thing)

    def _path(self, code: CodeType) -> str:
        """Relative to the worktree; begins with `..` outside of it."""
        name = code.co_filename
        if name not in self._paths:
            self._paths[name] = os.path.relpath(os.path.realpath(name), self._root)
        return self._paths[name]

    def _is_own(self, wrapped: Any) -> bool:
        """Whether what a cache stands before may be the worktree's: only that has seen a candidate."""
        return type(wrapped) is not FunctionType or not self._path(wrapped.__code__).startswith(os.pardir)

    def source(self, path: str) -> bytes:
        if path not in self._sources:
            with open(os.path.join(self._root, path), "rb") as file:
                self._sources[path] = file.read()
        return self._sources[path]

    def swap(self, path: str, unit: Unit, candidate: Candidate | None) -> list[tuple[FunctionType, CodeType]]:
        """Put the candidate's code (None: the base's own, with counters) in; returns what `restore` puts back.

        Raises:
            NotSwappable: no live function, or other closure variables than before.
            SyntaxError, ValueError: the edit is not Python.
        """
        source = self.source(path)
        text = source[unit.start : unit.end]
        if candidate is not None:
            text = source[unit.start : candidate.start] + candidate.text + source[candidate.end : unit.end]
        functions = self._of(path, unit)
        if not functions:
            raise NotSwappable(unit.name)
        flags = functions[0].__code__.co_flags & _FUTURE
        name = functions[0].__code__.co_filename
        key = (path, unit.start)
        if key not in self._bases:
            self._bases[key] = compiled(source[unit.start : unit.end], unit, name, flags)
        pairs = paired(self._bases[key], compiled(text, unit, name, flags))
        outer = pairs[unit.name, unit.line]
        changes = []
        for function in functions:
            old = function.__code__
            new = outer if _is_outer(old, unit) else pairs.get((old.co_name, old.co_firstlineno))
            if new is None or new.co_freevars != old.co_freevars:
                raise NotSwappable(unit.name)
            changes.append((function, new))
        return exchange(changes)

    def outer(self, path: str, unit: Unit) -> FunctionType | None:
        """The one live function of a unit at module level; None where there are several, or it belongs to a class."""
        functions = [function for function in self._of(path, unit) if _is_outer(function.__code__, unit)]
        return functions[0] if len(functions) == 1 and not unit.around else None

    def clear_caches(self) -> None:
        """Results that `functools.lru_cache` remembers were made by another candidate."""
        for cache in self._caches:
            cache.cache_clear()

    def _of(self, path: str, unit: Unit) -> list[FunctionType]:
        if (path, unit.start) not in self._by_unit:
            last = unit.line + self.source(path).count(b"\n", unit.start, unit.end)
            self._by_unit[path, unit.start] = [
                function
                for function in self._functions[path]
                if unit.first <= function.__code__.co_firstlineno <= last
                and (_is_outer(function.__code__, unit) or function.__code__.co_firstlineno >= unit.line)
            ]
        return self._by_unit[path, unit.start]


def _is_outer(code: CodeType, unit: Unit) -> bool:
    # Before the body both lines can be meant: `co_firstlineno` counts from the first decorator.
    return code.co_name == unit.name and code.co_firstlineno == unit.first


def exchange(changes: list[tuple[FunctionType, CodeType]]) -> list[tuple[FunctionType, CodeType]]:
    before = [(function, function.__code__) for function, _ in changes]
    for function, code in changes:
        function.__code__ = code
    return before


def compiled(text: bytes, unit: Unit, filename: str, flags: int) -> CodeType:
    """The code object of one function, with its lines, class and future flags as in its file."""
    heads = [f"{indent}{head}\n".encode() for indent, head in unit.around]
    blank = b"\n" * (unit.line - 1 - len(heads))
    tree = ast.parse(blank + b"".join(heads) + text, filename)
    module = compile(instrument(tree), filename, "exec", flags=flags, dont_inherit=True)
    code = module
    for _, head in unit.around:
        if head.startswith("class "):
            code = _inner(code, head[len("class ") : -1])
    return _inner(code, unit.name)


def _inner(code: CodeType, name: str) -> CodeType:
    for const in code.co_consts:
        if isinstance(const, CodeType) and const.co_name == name:
            return const
    raise NotSwappable(name)


def paired(base: CodeType, new: CodeType) -> dict[Key, CodeType]:
    """Base code objects (by name and line) → the new ones in the same place."""
    pairs = {(base.co_name, base.co_firstlineno): new}
    left: dict[str, list[CodeType]] = {}
    for const in new.co_consts:
        if isinstance(const, CodeType):
            left.setdefault(const.co_name, []).append(const)
    for const in base.co_consts:
        if isinstance(const, CodeType) and left.get(const.co_name):
            pairs.update(paired(const, left[const.co_name].pop(0)))
    return pairs
