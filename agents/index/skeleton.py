"""Skeletons: what a file defines, without the bodies."""

from collections.abc import Sequence

from agents.index.snapshot import Snapshot

SIGNATURE = 6  # lines, at most
WIDTH = 160  # characters of one line


def skeleton(snapshot: Snapshot, file: int, data: bytes, units: Sequence[int] | None = None) -> str:
    """The signatures in a file, each behind its line number: of all definitions, or of the given units alone."""
    lines = data.decode("utf-8", "replace").splitlines()
    chosen = range(snapshot.file_start[file] + 1, snapshot.file_start[file + 1]) if units is None else sorted(units)
    shown: list[str] = []
    for unit in chosen:
        start, last, name = int(snapshot.line[unit]), int(snapshot.last[unit]), snapshot.names[unit]
        shown += [f"{number:6} {line[:WIDTH]}" for number, line in signature(lines, start, last, name)]
    return "\n".join(shown)


def outline(snapshot: Snapshot, file: int, data: bytes) -> str:
    """The same of what stands at the top of the file alone: its functions and classes, without what is in them."""
    units = range(snapshot.file_start[file] + 1, snapshot.file_start[file + 1])
    return skeleton(
        snapshot, file, data, [unit for unit in units if snapshot.parent[unit] == snapshot.file_start[file]]
    )


def signature(lines: Sequence[str], start: int, last: int, name: str) -> list[tuple[int, str]]:
    """The lines, numbered from 1, from a definition's name to where its parentheses are closed again."""
    first = next((number for number in range(start, last + 1) if name in _line(lines, number)), start)
    found: list[tuple[int, str]] = []
    depth = 0
    for number in range(first, min(last, first + SIGNATURE - 1) + 1):
        line = _line(lines, number)
        found.append((number, line.rstrip()))
        depth += sum(line.count(sign) for sign in "([") - sum(line.count(sign) for sign in ")]")
        if depth <= 0:
            break
    return found


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if number <= len(lines) else ""
