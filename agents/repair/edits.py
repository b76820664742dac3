"""Text edits as pure functions: bytes `start` to `end` of a file become `text`; everything else stays as it was."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One replacement. Offsets are in bytes, half-open."""

    start: int
    end: int
    text: bytes


def apply(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The data with all edits made; their offsets are those of `data`.

    Raises:
        ValueError: an edit lies outside the data, ends before it starts, or overlaps another.
    """
    parts: list[bytes] = []
    at = 0
    for edit in sorted(edits):
        if not at <= edit.start <= edit.end <= len(data):
            raise ValueError(f"edit {edit.start}:{edit.end} overlaps another or leaves the {len(data)} bytes")
        parts += [data[at : edit.start], edit.text]
        at = edit.end
    return b"".join([*parts, data[at:]])


def spanning(data: bytes, edits: Iterable[Edit]) -> Edit:
    """Several edits as one that covers them all. Raises ValueError as `apply`, and when there is none."""
    ordered = sorted(edits)
    if not ordered:
        raise ValueError("no edit to make one of")
    start, end = ordered[0].start, max(edit.end for edit in ordered)
    shifted = [Edit(edit.start - start, edit.end - start, edit.text) for edit in ordered]
    return Edit(start, end, apply(data[start:end], shifted))


def trimmed(data: bytes, edit: Edit) -> Edit:
    """The same change without the bytes that it leaves as they are at either end."""
    old, new = data[edit.start : edit.end], edit.text
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Edit(edit.start + head, edit.end - tail, new[head : len(new) - tail])
