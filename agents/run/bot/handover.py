"""What one step hands to the next as a file: `request.json` from the gate to the solver, `result.json` to publish.

Both are read as if a stranger had written them: bounded, and nothing in them but what is named here.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agents.run.bot.trigger import Command
from sandbox.api import BadInput

REQUEST, RESULT, PATCH = "request.json", "result.json", "patch.diff"
MOST = 2 << 20  # bytes of either JSON file

Ended = Literal["refused", "patched", "no_patch", "planned", "over_budget", "failed"]
Line = Annotated[str, StringConstraints(max_length=500)]
Words = Annotated[str, StringConstraints(max_length=8000)]
Commit = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
F = TypeVar("F", bound=BaseModel)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Voice(Strict):
    author: Line
    created: Line
    body: str


class Request(Strict):
    """What is to be done. Written by the gate, after everything was asked and counted."""

    repository: Line
    issue: int = Field(gt=0)
    command: Command
    base: Commit
    key: Key
    words: Key  # hash of the issue's own words
    nonce: Line
    text: str  # title and body
    comments: tuple[Voice, ...] = ()
    threads: tuple[int, ...] = ()
    dollars: float = Field(gt=0)


class Counts(Strict):
    """One run of the tests."""

    passed: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)
    other: int = Field(default=0, ge=0)


class Result(Strict):
    """What came of it. Its words are hostile, and its numbers are the harness's."""

    issue: int = Field(gt=0)
    command: Command
    ended: Ended
    reason: Words = ""
    told: bool = True  # a refusal that nobody is told of
    base: Commit | None = None
    key: Key | None = None
    words: Key | None = None
    verdict: Line = ""
    headline: Words = ""
    test_command: Line = ""
    before: Counts | None = None
    after: Counts | None = None
    fixed: tuple[Line, ...] = Field(default=(), max_length=50)
    new_tests: tuple[Line, ...] = Field(default=(), max_length=20)
    scope: Line = ""
    summary: tuple[Words, ...] = Field(default=(), max_length=6)
    plan: tuple[Words, ...] = Field(default=(), max_length=12)
    threads: tuple[int, ...] = Field(default=(), max_length=50)
    model: Line = ""
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    dollars: float | None = Field(default=0.0, ge=0, le=1e6)
    seconds: float = Field(default=0.0, ge=0)


def write(folder: Path, name: str, content: BaseModel) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read(folder: Path, name: str, kind: type[F]) -> F | None:
    """None where there is none. Raises BadInput: it is not as it was agreed."""
    data = read_bytes(folder, name, MOST)
    if data is None:
        return None
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{name} is not as agreed: {'.'.join(map(str, first['loc']))}: {first['type']}") from error


def read_bytes(folder: Path, name: str, most: int) -> bytes | None:
    """Raises BadInput: too large, or no regular file."""
    path = folder / name
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise BadInput(f"{name} in the artifact is no regular file")
    if not path.is_file():
        return None
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise BadInput(f"{name} has more than {most} bytes")
    return data
