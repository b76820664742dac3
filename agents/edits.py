"""Edits of text by search and replace (pure): exact first, then without regard to white space, else a clear refusal."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

NEAR = 2_000  # lines that are compared closely when the nearest text is looked for
SHOWN = 40  # lines of the nearest text that are shown
UNCHANGED = "nothing would change"  # how a refusal ends that is no news about the file
ALIKE = 0.4  # below this the nearest text is no help


class EditRefused(ValueError):
    """The edit cannot be made; the message tells the model what stands there, so that it can ask again."""


@dataclass(frozen=True, slots=True)
class Edited:
    text: str
    line: int  # where the new text starts, from 1
    how: str = ""  # what had to be overlooked, for the model to know


def replace(text: str, search: str, new: str) -> Edited:
    """`text` with the one place where `search` stands replaced by `new`.

    A search that stands nowhere as it is written may differ in white space at the ends of lines, then in indentation;
    the new text is then indented as the old one was. Lines of `new` get the line ends of `text`.

    Raises:
        EditRefused: `search` is empty, changes nothing, or stands nowhere or in several places.
    """
    if not search.strip():
        raise EditRefused("the search text is empty: give the lines that are to be replaced")
    if "\r\n" in text and "\r\n" not in search:
        search, new = search.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
    if search == new:
        raise EditRefused(f"the search text and the new text are the same: {UNCHANGED}")
    places = _places(text, search)
    if len(places) == 1:
        start = places[0]
        if "\n" not in search:
            new = _hung(text[text.rfind("\n", 0, start) + 1 : start], new)
        return Edited(text[:start] + new + text[start + len(search) :], text.count("\n", 0, start) + 1)
    if places:
        raise EditRefused(_several([text.count("\n", 0, start) + 1 for start in places]))
    return _tolerant(text, search, new)


def _places(text: str, search: str) -> list[int]:
    found = []
    start = text.find(search)
    while start >= 0:
        found.append(start)
        start = text.find(search, start + 1)
    return found


def _hung(lead: str, new: str) -> str:
    """New lines below the first, where the search was part of one line and quoted without its indentation."""
    first, *rest = new.splitlines(keepends=True) or [""]
    if not lead or lead.strip() or all(line.startswith(lead) for line in rest if line.strip()):
        return new
    return "".join([first, *(lead + line if line.strip() else line for line in rest)])


def _several(lines: Sequence[int]) -> str:
    shown = ", ".join(str(line) for line in lines[:10]) + (", ..." if len(lines) > 10 else "")
    return f"the search text stands in {len(lines)} places (lines {shown}): take in more lines around the one you mean"


def _tolerant(text: str, search: str, new: str) -> Edited:
    lines, wanted = text.splitlines(keepends=True), search.splitlines()
    while wanted and not wanted[0].strip():  # blank lines at the edges belong to the quoting, not to the code
        wanted.pop(0)
    while wanted and not wanted[-1].strip():
        wanted.pop()
    for key, how in ((str.rstrip, "white space at the end of lines"), (str.strip, "indentation")):
        at = _windows([key(line) for line in lines], [key(line) for line in wanted])
        if how == "indentation":
            at = [start for start in at if _shift(lines[start : start + len(wanted)], wanted) is not None]
        if len(at) > 1:
            raise EditRefused(_several([start + 1 for start in at]))
        if at:
            old = lines[at[0] : at[0] + len(wanted)]
            fresh = _fitted(new, old, wanted)
            done = "".join([*lines[: at[0]], fresh, *lines[at[0] + len(wanted) :]])
            if done == text:
                raise EditRefused(UNCHANGED)
            return Edited(done, at[0] + 1, f"the search text differed in {how}")
    raise EditRefused(nearest(text, search))


def _windows(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    size = len(wanted)
    return [
        start
        for start in range(len(lines) - size + 1)
        if lines[start] == wanted[0] and lines[start : start + size] == list(wanted)
    ]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _shift(old: Sequence[str], wanted: Sequence[str]) -> tuple[str, str] | None:
    """What the indentation of `wanted` starts with, and what that of `old` has in its place; None if lines differ."""
    pairs = [(_indent(theirs), _indent(ours)) for theirs, ours in zip(wanted, old, strict=True) if theirs.strip()]
    outer = _start([theirs for theirs, _ in pairs])
    found = set()
    for theirs, ours in pairs:
        inner = theirs[len(outer) :]
        if not ours.endswith(inner):
            return None
        found.add(ours[: len(ours) - len(inner)])
    lead = found.pop()
    # As little as possible: "the lines stand four deeper" also says where a new line goes that is indented less.
    same = len(_start([outer[::-1], lead[::-1]]))
    return None if found else (outer[: len(outer) - same], lead[: len(lead) - same])


def _start(texts: Sequence[str]) -> str:
    """What all of them start with."""
    low, high = min(texts), max(texts)
    return next((low[:at] for at, letter in enumerate(low) if letter != high[at]), low)


def _fitted(new: str, old: Sequence[str], wanted: Sequence[str]) -> str:
    """The new text with the old one's indentation and its last line's end."""
    shift = _shift(old, wanted)
    lines = new.strip("\r\n").splitlines(keepends=True) if new.strip() else []
    if shift is not None and shift[0] != shift[1]:
        lines = [shift[1] + line.removeprefix(shift[0]) if line.strip() else line for line in lines]
    fitted = "".join(lines)
    end = old[-1][len(old[-1].rstrip("\r\n")) :]
    return fitted + end if fitted else ""


def nearest(text: str, search: str) -> str:
    """Why a search found nothing, with the part of the text that is most like it."""
    lines, wanted = text.splitlines(), [line for line in search.strip("\n").splitlines() if line.strip()]
    start, alike = _best(lines, wanted)
    if alike < ALIKE:
        return "the search text stands nowhere in the file, nor anything like it: view the file first"
    end = min(len(lines), start + len(search.strip("\n").splitlines()), start + SHOWN)
    shown = "\n".join(lines[start:end])
    return f"the search text stands nowhere in the file. The nearest, lines {start + 1} to {end}:\n{shown}"


def _best(lines: Sequence[str], wanted: Sequence[str]) -> tuple[int, float]:
    """The start of the window that is most like `wanted`, and how like it is, 0 to 1."""
    size = min(len(wanted), len(lines))
    if not size:
        return 0, 0.0
    kept = {line.strip() for line in wanted}
    hits = [line.strip() in kept for line in lines]
    count = sum(hits[:size])
    counts = [count]
    for start in range(1, len(lines) - size + 1):
        count += hits[start + size - 1] - hits[start - 1]
        counts.append(count)
    # Windows that share whole lines first; close comparison is dear, so only of as many as it can bear.
    order = sorted(range(len(counts)), key=lambda start: (-counts[start], start))[: max(1, NEAR // size)]
    target = "\n".join(line.strip() for line in wanted[:SHOWN])
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(target)
    best, alike = 0, 0.0
    for start in order:
        matcher.set_seq1("\n".join(line.strip()[:200] for line in lines[start : start + min(size, SHOWN)]))
        if matcher.real_quick_ratio() > alike and matcher.quick_ratio() > alike and matcher.ratio() > alike:
            best, alike = start, matcher.ratio()
    return best, alike
