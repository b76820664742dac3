"""What a batch tells: one notice for each thing that a person, a log or another program wants to know."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tasks.causes import Early
from tasks.ledger import Key
from tasks.results import Result

Kind = Literal["begun", "solved", "graded", "again", "failed", "left", "said"]


@dataclass(frozen=True, slots=True)
class Notice:
    kind: Kind
    key: Key = ("", "", 0)
    text: str = ""  # one line for a person
    early: Early | None = None
    result: Result | None = None  # graded, failed

    def as_json(self) -> dict[str, object]:
        row: dict[str, object] = {"event": self.kind}
        if self.key[0]:
            row |= {"instance_id": self.key[0], "model_name_or_path": self.key[1], "run": self.key[2]}
        row |= {"text": self.text} if self.text else {}
        row |= {"early": self.early} if self.early else {}
        if self.result is not None:
            row |= {"outcome": self.result.outcome, "cause": self.result.cause, "dollars": self.result.dollars}
        return row


Told = Callable[[Notice], None]
