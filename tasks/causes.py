"""Everything that ends an attempt early: a closed set, as one table.

Whose fault a failure is decides what is done about it. A machine's or a provider's failure says nothing about the
solver: it is tried again, and what fails to the last stands in its own column. What the solver brought about by itself
is its result, and is graded as far as it came.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from sandbox.api import (
    BadInput,
    BuildFailed,
    ImageUnavailable,
    NetworkUnavailable,
    SandboxClosed,
    SandboxError,
    SandboxUnavailable,
)
from tasks.evaluate import RowBroken
from tasks.limits import OverBudget

Early = Literal[
    "sandbox",  # one container failed, the engine did not
    "engine",  # the container engine does not answer
    "image",  # the row's image cannot be had
    "network",  # a git host or a registry cannot be reached
    "node",  # a machine of the cluster was lost
    "disk",  # no space is left
    "provider",  # a model's server failed after every retry
    "rate limit",  # a model's server wanted to be left alone, to the last
    "budget",  # the attempt's own allowance is used up
    "run budget",  # that of the run or of the model is
    "time",  # the attempt's deadline
    "stuck",  # it did not end even then
    "refusal",  # the model declines
    "verifier",  # the row or what grades it is broken
    "setting",  # a key, an address, an option: what a person gave
    "cancelled",  # stopped by a person
    "harness bug",
]
EARLY: tuple[Early, ...] = get_args(Early)
Fault = Literal["machine", "provider", "model", "row", "person", "harness"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done about a cause."""

    fault: Fault
    tries: int  # how often an attempt is made in one start of a batch, the first time included
    grade: bool  # what it has so far is graded: the end is a result, and no later start tries again
    closes: bool = False  # the same will happen to every attempt of this model: no more are made in this start


RULES: Mapping[Early, Rule] = MappingProxyType(
    {
        "sandbox": Rule("machine", 3, grade=False),
        "engine": Rule("machine", 3, grade=False),
        "image": Rule("row", 2, grade=False),
        "network": Rule("machine", 3, grade=False),
        "node": Rule("machine", 3, grade=False),
        "disk": Rule("machine", 2, grade=False),
        "provider": Rule("provider", 3, grade=False),
        "rate limit": Rule("provider", 3, grade=False),
        "budget": Rule("model", 1, grade=True),
        "run budget": Rule("person", 1, grade=False),
        "time": Rule("model", 1, grade=True),
        "stuck": Rule("harness", 2, grade=False),
        "refusal": Rule("model", 1, grade=True),
        "verifier": Rule("row", 2, grade=False),
        "setting": Rule("person", 1, grade=False, closes=True),
        "cancelled": Rule("person", 1, grade=False),
        "harness bug": Rule("harness", 2, grade=False),  # those that come by threads seldom come twice
    }
)

# The first that fits counts: a kind stands before the kinds that it is one of.
KINDS: tuple[tuple[type[Exception], Early], ...] = (
    (SandboxClosed, "harness bug"),
    (SandboxUnavailable, "engine"),
    (NetworkUnavailable, "network"),
    (ImageUnavailable, "image"),
    (BuildFailed, "image"),
    (SandboxError, "sandbox"),
    (OverBudget, "budget"),
    (RowBroken, "verifier"),
    (BadInput, "setting"),
)
FULL = (errno.ENOSPC, errno.EDQUOT)


class EndedEarly(Exception):
    """Raised where the cause is known better than any exception says."""

    def __init__(self, early: Early, reason: str) -> None:
        super().__init__(reason)
        self.early: Early = early


def cause_of(error: Exception) -> Early:
    """The cause that an exception stands for (pure). What nobody foresaw is a bug of the harness."""
    if isinstance(error, EndedEarly):
        return error.early
    if isinstance(error, OSError) and error.errno in FULL:
        return "disk"
    return next((early for kind, early in KINDS if isinstance(error, kind)), "harness bug")
