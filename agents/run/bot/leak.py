"""Whether a text holds a secret, whole or cut (pure). Asked where the secret is known: in the job that has it.

The last net. The wall is that no secret is where hostile code or a tool of the model could read it.
"""

import base64
import io
import re
from collections.abc import Iterable, Mapping
from typing import TextIO

from sandbox.redact import NAMED

PIECE = 12  # characters in a row that count as the secret; a prefix such as `sk-proj-` is shorter
SHORTEST = 16  # a shorter value is no key
REMOVED = "[a line that held a piece of a secret]"
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


class Screen(io.TextIOBase):
    """A stream that lets whole lines through, but for those that hold a piece of a secret: logs of CI are public."""

    def __init__(self, stream: TextIO, secrets: Iterable[str]) -> None:
        self._stream = stream
        self._secrets = frozenset(secrets)
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._stream.write(f"{REMOVED if leaks(line, self._secrets) else line}\n")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def finish(self) -> None:
        """Let the last line through, which has no end."""
        if self._begun:
            self.write("\n")
        self.flush()


def _forms(secret: str) -> list[tuple[str, bool]]:
    data = secret.encode("utf-8", "surrogatepass")
    coded = [base64.b64encode(b"\0" * shift + data).decode()[shift + 1 :].rstrip("=")[:-1] for shift in range(3)]
    return [(secret, False), (secret[::-1], False), (data.hex(), True), *((form, False) for form in coded)]


def _pieces(form: str) -> list[str]:
    return [form[start : start + PIECE] for start in range(max(0, len(form) - PIECE + 1))]
