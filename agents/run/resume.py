"""`solve resume RUN`: shows what a run waits for, takes a person's answer, and leaves it where the run finds it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agents.person import read
from agents.run.shown import shown
from agents.team import ANSWER, QUESTION
from sandbox.api import BadInput
from tasks.rundir import replaced

CHOICES = "[a]ccept, [e]dit, [r]efuse, or n and a note (which is kept, and accepts a plan or sends a patch back)"


def waits(run: Path) -> Mapping[str, Any] | None:
    """What a run waits for; None if nothing.

    Raises:
        BadInput: the question is damaged.
    """
    place = run / "solver" / QUESTION
    try:
        question: Mapping[str, Any] = json.loads(place.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BadInput(f"{place} is damaged: {error}") from error
    return question


def leave(run: Path, answer: Mapping[str, Any]) -> None:
    """Put the answer where the run's own command finds it. Raises BadInput: it is none."""
    read(answer)
    replaced(run / "solver" / ANSWER, json.dumps(answer).encode())
    (run / "solver" / QUESTION).unlink(missing_ok=True)


def ask(question: Mapping[str, Any], say: Callable[[str], None], hear: Callable[[str], str]) -> Mapping[str, Any]:
    """Ask on a terminal until there is an answer. `hear` shows a prompt and returns a line; for `e`, a JSON plan."""
    say(json.dumps(question["plan"], indent=1) if question["about"] == "plan" else shown(str(question["patch"])))
    while True:
        line = hear(f"{question['about']}: {CHOICES}: ").strip()
        first, note = line[:1].lower(), line[1:].strip()
        try:
            return read(_answer(question["about"], first, note, hear)).model_dump(mode="json")
        except (BadInput, ValueError) as error:
            say(str(error))


def _answer(about: str, first: str, note: str, hear: Callable[[str], str]) -> Mapping[str, Any]:
    match first:
        case "a":
            return {"decision": "accept"}
        case "r":
            return {"decision": "refuse"}
        case "n" if note:
            return {"decision": "accept" if about == "plan" else "refuse", "note": note}
        case "e" if about == "plan":
            return {"decision": "edit", "plan": {"subtasks": json.loads(hear("the plan as one line of JSON: "))}}
    raise ValueError("that is none of the choices")
