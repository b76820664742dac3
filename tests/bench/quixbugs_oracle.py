"""Is a patch of a QuixBugs program right? It must answer as the correct program does, on more than the given tests.

    python tests/bench/quixbugs_oracle.py CORRECT.py PATCHED.py INPUTS.json

INPUTS has a line `[arguments, result]` for each given test. Both programs are called with those arguments and with
small changes of them, where the correct one has an answer within a second of CPU; the other has three. Prints `right`,
or `wrong` with the call. Programs on graphs have no such file. Those that take one as a dict of weights are called with
connected graphs made by chance; others count as right if they are the correct program, however it is written.
"""

import ast
import copy
import itertools
import json
import random
import runpy
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MOST = 300  # calls
PATIENCE = 1.0  # CPU seconds a call: machines are loaded
MORE = 3  # times as much for the program that is judged


ON_GRAPHS: dict[str, Callable[[int, dict[tuple[int, int], int]], list[Any]]] = {
    "minimum_spanning_tree": lambda _, edges: [edges],
    "shortest_path_lengths": lambda count, edges: [count, edges],
    "shortest_paths": lambda _, edges: [0, edges],
}


class Late(BaseException):
    pass


def answers(function: Any, arguments: list[Any], patience: float = PATIENCE) -> tuple[str, Any]:
    """How a call ends: its value, or the exception's name; with what became of the arguments."""
    given = copy.deepcopy(arguments)
    signal.setitimer(signal.ITIMER_VIRTUAL, patience)
    try:
        value = function(*given)
        if hasattr(value, "__next__"):
            value = list(itertools.islice(value, 1000))
        return type(value).__name__, (value, given)
    except Late:
        return "no end", None
    except Exception as error:
        return type(error).__name__, None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def near(arguments: list[Any]) -> Iterator[list[Any]]:
    yield arguments
    for place, value in enumerate(arguments):
        for other in neighbours(value):
            yield [*arguments[:place], other, *arguments[place + 1 :]]


def neighbours(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1, value * 2, value + 7]
    if isinstance(value, str):
        return [value[1:], value[:-1], value[::-1], value + value, ""]
    if isinstance(value, list):
        inner = [[*value[:at], other, *value[at + 1 :]] for at, item in enumerate(value) for other in neighbours(item)]
        return [value[1:], value[:-1], value[::-1], value + value, [], *inner[:20]]
    return []


def graphs() -> Iterator[tuple[int, dict[tuple[int, int], int]]]:
    """Connected graphs as (number of nodes, weight by edge); no two weights are the same."""
    chance = random.Random(0)
    for _ in range(100):
        count = chance.randint(2, 8)
        ring = [(node, (node + 1) % count) for node in range(count)] if count > 2 else [(0, 1), (1, 0)]
        more = [(a, b) for a in range(count) for b in range(count) if a < b and chance.random() < 0.4]
        edges = dict.fromkeys([*ring, *more])
        yield count, dict(zip(edges, chance.sample(range(1, 100), len(edges)), strict=True))


def called(name: str, inputs: Path) -> Iterator[list[Any]]:
    """Lists of arguments; none where nobody can make them up."""
    if inputs.exists():
        given = [json.loads(line)[0] for line in inputs.read_text().splitlines() if line.strip()]
        calls = [item if isinstance(item, list) else [item] for item in given]
        yield from itertools.islice((other for first in calls for other in near(first)), MOST)
    elif name in ON_GRAPHS:
        yield from (ON_GRAPHS[name](count, edges) for count, edges in graphs())


def judged(correct: Path, patched: Path, inputs: Path) -> str:
    name = correct.stem
    calls = list(called(name, inputs))
    if not calls:
        return (
            "right"
            if plain(correct.read_bytes()) == plain(patched.read_bytes())
            else "wrong: it is written otherwise, and nobody called it"
        )
    right, tried = (runpy.run_path(str(path))[name] for path in (correct, patched))
    for call in calls:
        wanted = answers(right, call)
        if wanted[1] is not None and answers(tried, call, MORE * PATIENCE) != wanted:
            return f"wrong: {name}{tuple(call)!r}"[:200]
    return "right"


def plain(data: bytes) -> str:
    """A program without its layout, comments and docstrings."""
    module = ast.parse(data)
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [item for item in body if not _is_text(item)]  # type: ignore[attr-defined]
    return ast.dump(module)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def late(number: int, frame: object) -> None:
    raise Late


if __name__ == "__main__":
    signal.signal(signal.SIGVTALRM, late)
    sys.setrecursionlimit(3000)
    print(judged(*map(Path, sys.argv[1:4])))
