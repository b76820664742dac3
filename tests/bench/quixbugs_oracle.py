"""Is a patch of a QuixBugs program right? It must answer as the correct program does, on more than the given tests.

    python tests/bench/quixbugs_oracle.py CORRECT.py PATCHED.py INPUTS.json

INPUTS has a line `[arguments, result]` for each given test. Both programs are called with those arguments and with
small changes of them, where the correct one has an answer within a second of CPU; the other has three. Programs on
graphs and linked lists have no such file: they are called with what `quixbugs_graphs.py` makes up. Result and arguments
must be the same after the call. Prints `right`, or `wrong` with the call.
"""

import copy
import itertools
import json
import runpy
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quixbugs_graphs import calls, links

MOST = 300  # calls
PATIENCE = 1.0  # CPU seconds a call: machines are loaded
MORE = 3  # times as much for the program that is judged


class Late(BaseException):
    pass


def answers(function: Any, arguments: list[Any], patience: float = PATIENCE) -> tuple[str, Any]:
    """How a call ends: its value with what became of the arguments, or the exception's name."""
    given = copy.deepcopy(arguments)
    signal.setitimer(signal.ITIMER_VIRTUAL, patience)
    try:
        value = function(*given)
        if hasattr(value, "__next__"):
            value = list(itertools.islice(value, 1000))
        return type(value).__name__, (value, given, links((value, given)))
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


def called(program: str, inputs: Path) -> Iterator[list[Any]]:
    """Lists of arguments."""
    if not inputs.exists():
        return calls(program)
    given = [json.loads(line)[0] for line in inputs.read_text().splitlines() if line.strip()]
    first = [item if isinstance(item, list) else [item] for item in given]
    return itertools.islice((other for arguments in first for other in near(arguments)), MOST)


def judged(correct: Path, patched: Path, inputs: Path) -> str:
    program = correct.stem
    right, tried = (runpy.run_path(str(path))[program] for path in (correct, patched))
    compared = 0
    for call in called(program, inputs):
        wanted = answers(right, call)
        if wanted[1] is None:
            continue
        compared += 1
        if answers(tried, call, MORE * PATIENCE) != wanted:
            return f"wrong: {program}{tuple(call)!r}"[:200]
    return "right" if compared else "wrong: nobody could call it"


def late(number: int, frame: object) -> None:
    raise Late


if __name__ == "__main__":
    signal.signal(signal.SIGVTALRM, late)
    sys.setrecursionlimit(3000)
    print(judged(*map(Path, sys.argv[1:4])))
