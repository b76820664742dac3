"""Whether a text holds a secret, whole or cut (pure). Asked where the secret is known: in the job that has it.

The last net. The wall is that no secret is where hostile code or a tool of the model could read it.
"""

import base64
import re
from collections.abc import Iterable, Mapping

from sandbox.redact import NAMED

PIECE = 12  # characters in a row that count as the secret; a prefix such as `sk-proj-` is shorter
SHORTEST = 16  # a shorter value is no key
NOISE = re.compile(r"[^A-Za-z0-9]+")


def secrets_of(environment: Mapping[str, str]) -> frozenset[str]:
    """The values that stand under a name that says secret."""
    return frozenset(value for name, value in environment.items() if NAMED.search(name) and len(value) >= SHORTEST)


def leaks(text: str, secrets: Iterable[str]) -> bool:
    """Whether a piece of a secret stands in the text: as it is, backwards, in base64 or hex, whatever is between."""
    plain = NOISE.sub("", text)
    folded = plain.lower()
    return any(
        piece in (folded if is_hex else plain)
        for secret in secrets
        for form, is_hex in _forms(secret)
        for piece in _pieces(NOISE.sub("", form))
    )


def _forms(secret: str) -> list[tuple[str, bool]]:
    data = secret.encode("utf-8", "surrogatepass")
    coded = [base64.b64encode(b"\0" * shift + data).decode()[shift + 1 :].rstrip("=")[:-1] for shift in range(3)]
    return [(secret, False), (secret[::-1], False), (data.hex(), True), *((form, False) for form in coded)]


def _pieces(form: str) -> list[str]:
    return [form[start : start + PIECE] for start in range(max(0, len(form) - PIECE + 1))]
