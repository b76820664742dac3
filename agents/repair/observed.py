"""What the survey inside the sandbox found: hostile data, checked and bounded before anything uses it."""

import json
from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Name = Annotated[str, Field(max_length=200)]
Path = Annotated[str, Field(max_length=1000)]
MOST_ROWS = 20_000
T = TypeVar("T")


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(Row):
    kind: Literal["head"]
    python: tuple[int, int]
    missing: list[str]  # showing tests that were not collected
    problems: list[str]  # what went wrong while collecting


class Modules(Row):
    kind: Literal["modules"]
    names: list[Name]  # imported only while tests ran


class Imported(Row):
    kind: Literal["imported"]
    lines: dict[Path, list[int]]  # that run while tests are collected


class Test(Row):
    __test__ = False  # pytest: not a test class
    kind: Literal["test"]
    id: str
    status: Literal["passed", "failed", "error", "skipped", "timeout"]
    stable: bool = True  # a second run in the same process ended the same way
    seconds: float = 0.0  # CPU, not traced where it was run twice
    message: Annotated[str, Field(max_length=20_000)] = ""
    lines: dict[Path, list[int]]


class Frame(Row):
    """Variables of one call of a function, and the attributes of those that are ordinary objects, by type name."""

    kind: Literal["frame"]
    path: Path
    line: int
    name: Name
    variables: dict[Name, tuple[Name, dict[Name, Name]]]


class End(Row):
    kind: Literal["end"]
    cpu: float  # seconds


SurveyRow = TypeAdapter[Head | Modules | Imported | Test | Frame | End](
    Annotated[Head | Modules | Imported | Test | Frame | End, Field(discriminator="kind")]
)


class Progress(Row):
    """A line of the search. Counts are totals so far."""

    kind: Literal["progress", "plausible", "end"]
    seconds: float  # since the search began
    cpu: float  # seconds since the process began, the survey's among them
    tried: int
    timeouts: int
    invalid: int
    regressed: int
    plausible: int
    fresh: int
    spoilt: int
    again: int
    id: int = -1  # the plausible candidate
    steps: int = 0  # loop rounds and calls of all tests with it, in the function that it edits; 0: not counted
    exhausted: bool = False  # ended before its time was up


class Regressed(Row):
    kind: Literal["regressed"]
    id: int
    test: str


class Pair(Row):
    """Two candidates that were tried at once, under a number of their own."""

    kind: Literal["pair"]
    id: int
    of: tuple[int, int]


class Differ(Row):
    """Plausible patches of one function, called with the same: who answers alike on the call that tells most apart."""

    kind: Literal["differ"]
    patches: list[int]
    calls: int  # that each was asked
    groups: list[list[int]]  # one, if no call tells them apart
    call: Annotated[str, Field(max_length=1000)]


Searched = Progress | Regressed | Pair | Differ
SearchRow = TypeAdapter[Searched](Annotated[Searched, Field(discriminator="kind")])


def survey_rows(data: bytes) -> list[Head | Modules | Imported | Test | Frame | End]:
    """Lines that are what they should be; others were forged or cut off, and are left out."""
    return list(_valid(SurveyRow, data))


def search_rows(data: bytes) -> list[Searched]:
    """As `survey_rows`."""
    return list(_valid(SearchRow, data))


def _valid(adapter: TypeAdapter[T], data: bytes) -> Iterable[T]:
    for line in data.splitlines()[:MOST_ROWS]:
        try:
            yield adapter.validate_python(json.loads(line))
        except (ValidationError, ValueError, RecursionError):
            continue
