"""Where do plausible patches disagree? Tests say nothing of inputs that they do not use, so near ones are tried too.

The function is called with what the tests gave it and with small changes of that. Two patches that answer differently
cannot both be right; which of them is, nobody here knows.
"""

from __future__ import annotations

import ast
import sys
from types import CodeType, FrameType, FunctionType
from typing import Any, Iterator

from solve_repair import forks
from solve_repair.live import NotSwappable
from solve_repair.plan import Candidate
from solve_repair.running import plain_copy
from solve_repair.ticks import TooManyTicks
from solve_repair.workers import Bench

PATCHES = 8  # the cheapest of one function
RECORDED = 20  # calls of the tests that are kept
CALLS = 80  # that each patch is asked
TICKS = 20_000
CPU = 2.0  # seconds of one patch, for all its calls
PATIENCE = 4.0  # wall seconds
LONGEST = 300  # characters of a call that is kept or shown
VARIADIC = 0x04 | 0x08  # CO_VARARGS, CO_VARKEYWORDS


def compare(bench: Bench, plausible: list[Candidate]) -> dict[str, Any]:
    """The patches (by id) that were compared, the call on which they give the most answers, and who gives which.

    Where no call tells them apart, `groups` is one and `call` is empty.
    """
    patches = _of_one_function(bench, plausible)
    calls = list(_near(_recorded(bench, patches[0])))[:CALLS] if len(patches) > 1 else []
    answers = [_answers(bench, patch, calls) for patch in patches] if calls else []
    told = [patch.id for patch in patches] if answers else []
    best, shown = [told] if told else [], ""
    for number in range(min(map(len, answers), default=0)):
        groups: dict[str, list[int]] = {}
        for patch, answer in zip(patches, answers):
            groups.setdefault(answer[number], []).append(patch.id)
        if len(groups) > len(best):
            best, shown = list(groups.values()), calls[number]
    name = bench.plan.units[patches[0].unit].name if patches else ""
    call = name + (f"{shown[:-2]})" if shown.endswith(",)") else shown)  # the text of a tuple of one ends so
    return {"patches": told, "calls": len(calls), "groups": best, "call": call if shown else ""}


def _of_one_function(bench: Bench, plausible: list[Candidate]) -> list[Candidate]:
    ranked = sorted((item for item in plausible if item.unit >= 0), key=lambda item: item.cost)
    same = [item for item in ranked if item.unit == ranked[0].unit]
    return [item for item in same if _called(bench, item) is not None][:PATCHES]


def _called(bench: Bench, patch: Candidate) -> FunctionType | None:
    """The live function that a patch changes, if it can be called with plain values alone."""
    function = bench.live.outer(patch.path, bench.plan.units[patch.unit])
    return None if function is None or function.__code__.co_flags & VARIADIC else function


def _recorded(bench: Bench, patch: Candidate) -> list[str]:
    """What the tests give to the function, as the text of a tuple; of plain values only."""

    def body(send: forks.Send) -> None:
        bench.live.swap(patch.path, bench.plan.units[patch.unit], patch)
        function = _called(bench, patch)
        assert function is not None
        watched, seen = function.__code__, set()

        def on_event(frame: FrameType, event: str, arg: object) -> None:
            if event == "call" and frame.f_code is watched and len(seen) < RECORDED:
                text = _plain(tuple(frame.f_locals[name] for name in _parameters(watched)))
                if text and text not in seen:
                    seen.add(text)
                    send({"call": text})

        bench.runner.light = True
        for name in bench.all:
            bench.ticks.start(10 * TICKS)
            forks.cpu_limit(CPU)
            sys.setprofile(on_event)
            bench.runner.run(bench.items[name])
            sys.setprofile(None)
            if len(seen) >= RECORDED:
                return

    return [row["call"] for row in forks.fork(body).wait(PATIENCE)]


def _parameters(code: CodeType) -> tuple[str, ...]:
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _plain(values: tuple[Any, ...]) -> str:
    """The text of plain values, from which they can be made again; empty if they are not plain or too long."""
    try:
        text = repr(values)
        return text if len(text) <= LONGEST and ast.literal_eval(text) == values else ""
    except Exception:  # a value's own __repr__ or __eq__ may raise anything
        return ""


def _near(calls: list[str]) -> Iterator[str]:
    """The calls themselves, then those with one value a little changed; each once."""
    seen = set(calls)
    yield from calls
    for call in calls:
        values = ast.literal_eval(call)
        for place, value in enumerate(values):
            for other in _neighbours(value):
                text = repr((*values[:place], other, *values[place + 1 :]))
                if text not in seen and len(text) <= LONGEST:
                    seen.add(text)
                    yield text


def _neighbours(value: Any) -> list[Any]:
    kind = type(value)
    if kind is bool:
        return [not value]
    if kind in (int, float):
        return [value + 1, value - 1, kind(0), -value]
    if kind in (str, bytes, list, tuple):
        return [value[:0], value[1:], value[:-1], value[::-1], value + value]
    return [kind()] if kind in (dict, set) else []


def _answers(bench: Bench, patch: Candidate, calls: list[str]) -> list[str]:
    """What a patch makes of each call: result and arguments after it, or the exception. Ends where it never would."""

    def body(send: forks.Send) -> None:
        bench.live.swap(patch.path, bench.plan.units[patch.unit], patch)
        function = _called(bench, patch)
        assert function is not None
        names = _parameters(function.__code__)
        positional = function.__code__.co_argcount
        forks.cpu_limit(CPU)
        for call in calls:
            values = plain_copy(list(ast.literal_eval(call)))
            bench.ticks.start(TICKS)
            bench.live.clear_caches()
            more = dict(zip(names[positional:], values[positional:]))
            send({"answer": _answer(function, values[:positional], more)})

    try:
        return [row["answer"] for row in forks.fork(body).wait(PATIENCE)]
    except NotSwappable:
        return []


def _answer(function: FunctionType, values: list[Any], more: dict[str, Any]) -> str:
    try:
        result = function(*values, **more)
        if hasattr(result, "__next__"):
            result = [item for item, _ in zip(result, range(100))]
        return repr((result, values, more))[:2000]
    except TooManyTicks:
        return "no end"
    except BaseException as error:  # the candidate's own
        return type(error).__name__
