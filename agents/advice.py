"""What a repository says to those who contribute: its AGENTS.md and CONTRIBUTING files, nested ones too, bounded.

AGENTS.md is written for such readers and is shown from its start. CONTRIBUTING is written for newcomers: of a long one
those sections are shown that say what a patch must be (tests, style, changelog), not how to file a bug or make a fork.
"""

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

NAMES = frozenset({"agents.md", "contributing.md", "contributing.rst", "contributing.txt", "contributing"})
AGENTS = "agents.md"
EACH = 4_000  # characters of an AGENTS.md
GUIDE = 2_000  # of a CONTRIBUTING
LARGEST = 1 << 18  # bytes of a file that are read
DEPTH = 4  # folders below the root
SKIPPED = frozenset({".git", "node_modules", "vendor", "third_party", "site-packages"})
# Of Markdown, or of reStructuredText: a line that the next one underlines.
HEADING = re.compile(r"^(?:#{1,6} \S.*|\S.*\n(?:={3,}|-{3,}|~{3,}|\^{3,}|\*{3,}|\"{3,}))$", re.MULTILINE)
DEMANDS = [
    re.compile(words, re.IGNORECASE)
    for words in (
        r"\btests?\b",
        r"change ?log|\bCHANGES\b\W|news (?:fragment|file|entry)|release notes?\b|what.?s ?new",
        r"docstring|\bdocs\b|documentation",
        r"\bstyle\b|\bformat(?:s|ted|ter|ting)?\b|\blint|\bblack\b|\bruff\b|flake8|pep ?8",
        r"type hint|annotation|\bmypy\b|\btyped\b",
        r"\bpatch|pull request|\bPRs?\b",
    )
]
SAYS = 2  # of these, below which a section has nothing for who writes a patch


def advice(tree: Path, most: int) -> str:
    """The files, those nearest to the root first, each under its path, `most` characters in all; no links."""
    parts: list[str] = []
    left = most
    for path in sorted(_files(tree), key=lambda path: (path.count("/"), path.lower())):
        with (tree / path).open("rb") as file:
            text = file.read(LARGEST).decode("utf-8", "replace").strip()
        agents = path.lower().endswith(AGENTS)
        text = (text[: min(EACH, left)] if agents else demands(text, min(GUIDE, left))).strip()
        if not text:
            continue
        parts.append(f"## {path}\n\n{text}")
        left -= len(text)
        if left <= 0:
            break
    return "\n\n".join(parts)


def demands(text: str, most: int) -> str:
    """The whole of a short guide; of a long one the sections with most demands on a patch, in their order.

    Where no section has any, or none fits, it is the start.
    """
    if len(text) <= most:
        return text
    starts = [0, *(found.start() for found in HEADING.finditer(text)), len(text)]
    sections = [text[start:end].strip() for start, end in pairwise(starts)]
    rated = [(sum(bool(demand.search(section)) for demand in DEMANDS), section) for section in sections]
    kept: set[int] = set()
    left = most
    for place in sorted(range(len(rated)), key=lambda place: (-rated[place][0], len(rated[place][1]))):
        says, section = rated[place]
        if says >= SAYS and len(section) + 2 <= left:
            kept.add(place)
            left -= len(section) + 2
    return "\n\n".join(sections[place] for place in sorted(kept)) or text[:most]


def _files(tree: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(tree):
        place = Path(folder).relative_to(tree)
        depth = len(place.parts)
        folders[:] = sorted(name for name in folders if name not in SKIPPED) if depth < DEPTH else []
        for name in files:
            if name.lower() in NAMES and not (Path(folder) / name).is_symlink():
                yield (place / name).as_posix()
