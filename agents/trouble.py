"""What goes wrong with a model call, told apart by whose fault it is (pure):

    ModelError
    ├── ModelUnavailable (ConnectionError)   busy, broken or gone after every retry: the machine's
    ├── ModelRefused     (PermissionError)   the model, or the server's filter, declines: the model's
    ├── ContextOverflow  (OverflowError)     more than the model can read
    └── RequestRejected  (ValueError)        the server takes no such request: a feature it does not have

A wrong key, address or name is `BadInput`; a budget that is used up is `OverBudget`, and `OverShare` if it is only
one seat's part of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.models import Model
from agents.record import No
from sandbox.api import BadInput
from tasks.limits import OverBudget

if TYPE_CHECKING:
    from openai import APIStatusError

BUSY = frozenset({408, 409, 425, 429, 529})
CROWDED = frozenset({429, 529})  # too many calls at once, or too fast
OVERFLOW = re.compile(
    r"context[ _-]?(length|size|window)|maximum context|prompt is too long|input is too long|too many tokens",
    re.IGNORECASE,
)
FILTER = re.compile(r"content[ _-]?(filter|policy|management)|safety", re.IGNORECASE)


class ModelError(Exception):
    """Anything a model call raises on its own account."""


class ModelUnavailable(ModelError, ConnectionError):
    """Busy, broken or gone after every retry."""


class ModelRefused(ModelError, PermissionError):
    """The model, or the server's filter, declines to answer."""


class ContextOverflow(ModelError, OverflowError):
    """The request is longer than the model's context."""


class RequestRejected(ModelError, ValueError):
    """The server does not take such a request."""


class OverShare(OverBudget):
    """A seat has used its part of the budget; others may have some left."""


NOS: Mapping[No, type[ModelError]] = {
    "overflow": ContextOverflow,
    "refused": ModelRefused,
    "rejected": RequestRejected,
}


@dataclass(eq=False)
class Trouble(Exception):
    """One try that brought no reply."""

    why: str
    paid: bool  # perhaps: the request was sent and may have been answered
    after: float = 0.0  # seconds that the server asks for
    fatal: Exception | None = None  # what to raise in place of another try
    no: No | None = None
    crowded: bool = False  # fewer calls at once may help


def status_trouble(error: "APIStatusError", model: Model) -> Trouble:
    """What an HTTP status means, and whether another try can help."""
    status, message = error.status_code, error.message[:300]
    if status == 429 and error.code == "insufficient_quota":
        return Trouble("", paid=False, fatal=BadInput(f"the account at {model.base_url} has no quota left: {message}"))
    if status in BUSY or status >= 500:
        return Trouble(f"answers {status}", paid=False, after=_retry_after(error), crowded=status in CROWDED)
    if status in (401, 402, 403):
        said = f"{model.base_url} refuses the key in {model.key_env or 'no variable'} ({status}): {message}"
        return Trouble("", paid=False, fatal=BadInput(said))
    if status == 404 or 300 <= status < 400:
        said = f"{model.base_url} has no model {model.id}, or is not the right address ({status}): {message}"
        return Trouble("", paid=False, fatal=BadInput(said))
    no, said = _declined(error.code, message)
    return Trouble("", paid=False, fatal=NOS[no](f"{model.id} at {model.base_url} {said} ({status}): {message}"), no=no)


def _declined(code: str | None, message: str) -> tuple[No, str]:
    if OVERFLOW.search(f"{code} {message}"):
        return "overflow", "cannot read as much as was sent"
    if FILTER.search(f"{code} {message}"):
        return "refused", "refused the request"
    return "rejected", "rejects the request"


def _retry_after(error: "APIStatusError") -> float:
    """Seconds; 0 where the server names none. Dates are rare here, and are taken for none."""
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "0")))
    except ValueError:
        return 0.0
