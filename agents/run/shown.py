"""Foreign text made fit to be shown: it may hold control characters that rewrite a screen, and halves of characters."""

import re

# C0 and C1 but newline and tab, bidirectional overrides and isolates, and lone surrogates.
UNFIT = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def counted(number: int, noun: str) -> str:
    """`1 test`, `2 tests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shown(text: str) -> str:
    """The text with everything unfit written out as an escape."""
    return UNFIT.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
