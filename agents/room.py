"""How much of everything a prompt shows: what is useful, and less where a model reads little at once."""

from dataclasses import dataclass, fields

from agents.models import Model

WIDE = 48_000  # tokens of a context that has room for everything
CODE = 8  # the part of a context that code may take in an opening
LEAST = 400  # characters below which a text says nothing


@dataclass(frozen=True, slots=True)
class Room:
    """Characters, but for the first two."""

    code: int = 2_500  # tokens of code that an opening shows: it is sent again with every call
    names: int = 20  # tests that are named
    issue: int = 40_000
    advice: int = 12_000  # of AGENTS.md and CONTRIBUTING files
    test: int = 8_000  # a test that was written
    message: int = 3_000  # of a failing test
    diff: int = 40_000
    tool: int = 10_000  # what a tool brings


def room(model: Model) -> Room:
    """The whole of it from a context of `WIDE` tokens on, below that its part."""
    part = min(1.0, model.context / WIDE)
    found = {item.name: int(getattr(Room(), item.name) * part) for item in fields(Room)}
    tight = {name: max(LEAST, size) for name, size in found.items() if name not in ("code", "names")}
    code = min(Room().code, model.context // CODE)
    return Room(**{**found, "code": code, "names": max(2, found["names"]), **tight})


def clipped(text: str, most: int) -> str:
    """The first third and the last two: errors stand at the end, what was asked at the start."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}\n[... {len(text) - most} characters left out ...]\n{text[-(most - head) :]}"
