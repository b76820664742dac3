"""What the graph knows: ids, small values and names of files. Checkpoints hold all of it at every step.

Edits, talks and logs are files beside the run, named by their content: a list that grows in the state would be stored
anew with every step.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

Next = Literal["", "accept", "revise", "replan", "give_up"]
Files = Mapping[str, bytes | None]  # changed files by path, None: deleted


class Subtask(TypedDict):
    """One part of the work. `share`: its weight when what is left of the budget is divided among the plan's parts."""

    id: str
    goal: str
    files: list[str]
    symbols: list[str]
    check: str
    depends_on: list[str]
    share: int


class Part(TypedDict):
    """Of the budget, in JSON values; None is no limit."""

    calls: int | None
    tokens: int | None
    dollars: str | None


class Work(TypedDict):
    """What a coder is sent: its subtask, what it starts from, and what the talk so far was, if it goes on."""

    subtask: Subtask
    start: str  # name of the edits merged so far
    talk: str  # name of the talk to go on with; empty for a new one
    say: str  # name of what is said to it first, where it goes on
    test: str  # name of the files with the test that was written
    showing: list[str]
    said: str  # name of what that test said on the base
    notes: list[str]
    part: Part | None


class Finished(TypedDict):
    edits: str
    talk: str
    start: str


def merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Reducer: branches that ran side by side each add their own key."""
    return {**left, **right}


def first(left: str, right: str) -> str:
    """Reducer: the first reason to stop stays."""
    return left or right


class State(TypedDict, total=False):
    test: str  # name of the files with the test that was written, empty if none was
    showing: list[str]  # ids of tests that show the issue
    said: str  # name of what a written test said on the base
    plan: list[Subtask]
    parts: dict[str, Part]  # of the budget, by subtask of a plan of several
    finished: Annotated[dict[str, Finished], merged]
    joined: list[str]  # ids whose edits are in `edits`
    edits: str  # name of all edits so far
    patch: str  # name of the same as a patch, with the test
    evidence: str  # name of what the harness saw of it
    good: bool  # nothing speaks against it
    best: str  # name of the best patch so far
    best_edits: str
    best_rank: list[int]
    next: Next
    reasons: str  # name of what a reviewer or the harness said
    round: int
    notes: list[str]  # from the person, for every call to come
    decisions: list[dict[str, str]]  # what the person accepted, edited or refused
    stopped: Annotated[str, first]  # how it ended before its time: over_budget, infra_error, gave_up
    why: Annotated[str, first]


@dataclass(frozen=True, slots=True)
class Store:
    """Files by the hash of their content, in one folder. The same content twice is one file."""

    folder: Path

    def put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        path = self.folder / name
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            scratch = self.folder / f".{name}"
            scratch.write_bytes(data)
            scratch.chmod(0o600)  # talks are in it
            scratch.replace(path)
        return name

    def get(self, name: str) -> bytes:
        return (self.folder / name).read_bytes() if name else b""

    def put_text(self, text: str) -> str:
        return self.put(text.encode("utf-8", "replace"))

    def text(self, name: str) -> str:
        return self.get(name).decode()

    def put_files(self, files: Files) -> str:
        row = {path: None if data is None else base64.b64encode(data).decode() for path, data in sorted(files.items())}
        return self.put(json.dumps(row).encode())

    def files(self, name: str) -> dict[str, bytes | None]:
        row = json.loads(self.get(name) or b"{}")
        return {path: None if data is None else base64.b64decode(data) for path, data in row.items()}
