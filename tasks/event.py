"""What a running solver tells: one `Event` for each thing that a person or a log wants to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["task", "workspace", "image", "baseline", "plan", "code", "test", "review", "verify", "verdict"]


@dataclass(frozen=True, slots=True)
class Event:
    stage: Stage
    text: str  # one line for a person
    done: int = 0  # of `total`, where progress is known
    total: int = 0
    data: Mapping[str, object] = field(default_factory=dict)  # the same for a machine: JSON values only


Tell = Callable[[Event], None]


def silent(event: Event) -> None:
    """Tells nobody."""
