"""What a journal's file holds: its rows, one JSON object a line, and what they add up to.

Messages stand once and requests name them by hash, so that the file grows with the talk and not with its square.
A process that dies leaves `asked` rows without an end: each of them may have been paid, so it is booked in full.
"""

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sandbox.api import BadInput
from tasks.limits import Amount

Json = Mapping[str, Any]
No = Literal["overflow", "refused", "rejected"]


@dataclass(frozen=True)
class Request:
    """What is sent to a model. Requests of different seats are different, though their words be the same."""

    seat: str  # who asks: "coder/2"
    messages: tuple[Json, ...]
    options: Json  # everything else of the request's body: model, tools, format, limits
    known: tuple[str, ...] = field(default=(), compare=False)  # hashes of the first messages, from the call before

    @cached_property
    def hashes(self) -> tuple[str, ...]:
        return (*self.known, *(digest(message) for message in self.messages[len(self.known) :]))

    @cached_property
    def key(self) -> str:
        return digest([self.seat, self.hashes, dict(self.options)])


@dataclass(frozen=True, slots=True)
class Answer:
    reply: Json  # the server's JSON, as it came
    used: Amount  # what was booked for it
    seconds: float


@dataclass(frozen=True, slots=True)
class Declined:
    """A server's "no" to a request that no retry mends: it would be the same again."""

    kind: "No"
    why: str


class Booked(BaseModel):
    """An `Amount` in a row; dollars are a string, so that they stay exact."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    calls: int
    tokens: int
    dollars: Decimal

    @classmethod
    def of(cls, amount: Amount) -> "Booked":
        return cls(calls=amount.calls, tokens=amount.tokens, dollars=amount.dollars)

    def amount(self) -> Amount:
        return Amount(self.calls, self.tokens, self.dollars)


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(Row):
    """What the run was started with: enough to play it back."""

    row: Literal["start"] = "start"
    settings: Json


class Message(Row):
    row: Literal["message"] = "message"
    hash: str
    message: Json


class Asked(Row):
    """A call is about to be made, and may cost this much at most."""

    row: Literal["asked"] = "asked"
    call: int
    key: str
    seat: str
    messages: tuple[str, ...]
    options: Json
    reserved: Booked
    at: float = 0.0  # seconds since the epoch


class Answered(Row):
    """The reply as it came, what the server says it ran and used among it; and what was booked."""

    row: Literal["answered"] = "answered"
    call: int
    reply: Json
    used: Booked
    seconds: float


class Failed(Row):
    row: Literal["failed"] = "failed"
    call: int
    why: str
    used: Booked
    no: No | None = None


class Done(Row):
    """What the seat's tool call with this number brought."""

    row: Literal["done"] = "done"
    seat: str
    number: int
    key: str
    result: Json


AnyRow = Annotated[Start | Message | Asked | Answered | Failed | Done, Field(discriminator="row")]
ROWS: TypeAdapter[AnyRow] = TypeAdapter(AnyRow)


@dataclass(slots=True)
class Recorded:
    """What a journal holds. Answers to one request stand in the order in which they came."""

    settings: Json | None = None
    messages: dict[str, Json] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    answers: dict[str, deque[Answer | Declined]] = field(default_factory=lambda: defaultdict(deque))
    results: dict[tuple[str, int], Done] = field(default_factory=dict)
    unended: dict[int, Asked] = field(default_factory=dict)  # perhaps paid, answer lost
    asked: dict[int, Asked] = field(default_factory=dict)
    ends: dict[int, "Answered | Failed"] = field(default_factory=dict)  # by call
    spent: Amount = field(default_factory=Amount)  # by calls that ended
    seats: dict[str, Amount] = field(default_factory=lambda: defaultdict(Amount))  # the same, by who asked
    length: int = 0  # bytes of whole rows

    @property
    def lost(self) -> Amount:
        """What calls that never ended may have cost."""
        return sum((row.reserved.amount() for row in self.unended.values()), Amount())

    def take(self, row: AnyRow) -> None:
        match row:
            case Start():
                self.settings = row.settings
            case Message():
                self.messages[row.hash] = row.message
            case Asked():
                messages = tuple(self.messages[name] for name in row.messages)
                self.requests[row.key] = Request(row.seat, messages, row.options)
                self.asked[row.call] = self.unended[row.call] = row
            case Answered():
                self._end(row)
                self.answers[self.asked[row.call].key].append(Answer(row.reply, row.used.amount(), row.seconds))
            case Failed():
                self._end(row)
                if row.no:
                    self.answers[self.asked[row.call].key].append(Declined(row.no, row.why))
            case Done():
                self.results[row.seat, row.number] = row

    def _end(self, row: Answered | Failed) -> None:
        self.ends[row.call] = row
        self.spent += row.used.amount()
        self.seats[self.unended.pop(row.call).seat] += row.used.amount()


def read(path: Path) -> Recorded:
    """A journal as far as its rows are whole: a last one that was cut short never took place.

    Raises:
        BadInput: it cannot be read, or is no journal.
    """
    recorded = Recorded()
    try:
        for line, end in _lines(path.read_bytes()):
            recorded.take(ROWS.validate_json(line))
            recorded.length = end
    except OSError as error:
        raise BadInput(f"cannot read the journal {path}: {error.strerror}") from error
    except (ValidationError, KeyError) as error:
        raise BadInput(f"{path} is no journal of a run: its row at byte {recorded.length} is damaged") from error
    return recorded


def digest(value: object) -> str:
    """SHA-256 of a JSON value in one canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(data: bytes) -> Iterator[tuple[bytes, int]]:
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end], end + 1
        start = end + 1
