"""What a search has under way, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from solve_repair.forks import Fork
from solve_repair.plan import Candidate


@dataclass
class Running:
    """A fork at work: on a batch, or on one candidate through all tests."""

    fork: Fork
    left: list[Candidate]  # without an outcome yet
    checks: bool
    patience: float
    said: bool = False  # a check has had its last word,
    end: bool = False  # and it was good
    failed: list[Candidate] = field(default_factory=list)


@dataclass
class Counts:
    tried: int = 0
    timeouts: int = 0
    invalid: int = 0
    regressed: int = 0
    plausible: int = 0
    fresh: int = 0
    spoilt: int = 0  # batches of which a part was tried again
    again: int = 0  # candidates that had a second chance
