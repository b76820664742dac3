"""Failure messages → what an operator can use of them. The messages are hostile text: read, never run."""

import difflib
import re
from collections.abc import Iterable, Iterator

from agents.repair.spot import Clues
from sandbox.pysyntax import literal

LONGEST = 2_000  # characters of one value that are compared
MOST = 12
SYMPTOMS = ("AssertionError", "RecursionError", "MemoryError")  # nothing to be caught or raised in their place
COMPARED = re.compile(
    r"^(?:E\s+)?(?:AssertionError: )?(?:assert )?(?P<left>.+?) (?:==|!=) (?P<right>.+?)$", re.MULTILINE
)
RAISED = re.compile(
    r"^(?:E\s+)?(?:[a-z_]\w*\.)*(?P<name>[A-Z]\w*(?:Error|Exception|Exit|Iteration|Interrupt))\b", re.MULTILINE
)
MISSING = re.compile(r"missing \d+ required (?:positional|keyword-only) arguments?: (?P<names>[^\n]{1,200})")
# unittest: "pattern" does not match "message". pytest, by its version: Regex: 'pattern' or Expected regex: 'pattern'.
UNTOLD = re.compile(
    r"""(?P<one>"[^"\n]+"|'[^'\n]+') does not match |[Rr]egex: (?P<other>r?["'].+["'])$""", re.MULTILINE
)
EXPECTED = re.compile(r"DID NOT RAISE .*?(?:class '(?:\w+\.)*)?(?P<name>[A-Z]\w+)'?>|(?P<other>[A-Z]\w+) not raised")


def clues(messages: Iterable[str]) -> Clues:
    pairs: dict[tuple[str, str], None] = {}
    strings: dict[str, None] = {}
    exceptions: dict[str, None] = {}
    wanted: dict[str, None] = {}
    missing: dict[str, None] = {}
    told: dict[str, None] = {}
    for message in messages:
        for match in COMPARED.finditer(message):
            for one, other in _texts(match["left"], match["right"]):
                strings.update(dict.fromkeys(text for text in (one, other) if len(text) <= 80))
                pairs.update(dict.fromkeys(_pieces(one, other)))
        for match in RAISED.finditer(message):
            if match["name"] not in SYMPTOMS:
                exceptions[match["name"]] = None
        for match in EXPECTED.finditer(message):
            wanted[match["name"] or match["other"]] = exceptions[match["name"] or match["other"]] = None
        for match in UNTOLD.finditer(message):
            pattern = match["one"][1:-1] if match["one"] else _value(match["other"])
            if isinstance(pattern, str):
                told[re.sub(r"\\(\W)", r"\1", pattern)[:LONGEST]] = None  # what a plain pattern matches
        for match in MISSING.finditer(message):
            missing.update(dict.fromkeys(re.findall(r"'([a-zA-Z_]\w*)'", match["names"])))
    return Clues(
        tuple(pairs)[:MOST],
        tuple(strings)[:MOST],
        tuple(exceptions)[:4],
        tuple(wanted)[:2],
        tuple(missing)[:4],
        tuple(told)[:2],
    )


def _texts(left: str, right: str) -> Iterator[tuple[str, str]]:
    """Strings that stand in the same place of both values but differ."""
    one, other = _value(left), _value(right)
    if one is None or other is None:
        return
    yield from _differing(one, other)


def _value(text: str) -> object:
    try:
        return literal(text.strip()[:LONGEST])
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _differing(one: object, other: object) -> Iterator[tuple[str, str]]:
    if isinstance(one, str) and isinstance(other, str):
        if one != other:
            yield one, other
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        for first, second in zip(one, other, strict=False):
            yield from _differing(first, second)
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() & other.keys():
            yield from _differing(one[key], other[key])


def _pieces(one: str, other: str) -> Iterator[tuple[str, str]]:
    """What was exchanged for what, in both directions: which side was expected is not known."""
    for tag, start, end, other_start, other_end in difflib.SequenceMatcher(None, one, other, False).get_opcodes()[:20]:
        if tag != "equal":
            piece, instead = one[start:end], other[other_start:other_end]
            yield piece, instead
            yield instead, piece
