"""What a repository says to those who contribute: its AGENTS.md and CONTRIBUTING files, nested ones too, bounded."""

import os
from collections.abc import Iterator
from pathlib import Path

NAMES = frozenset({"agents.md", "contributing.md", "contributing.rst", "contributing.txt", "contributing"})
EACH = 4_000
DEPTH = 4  # folders below the root
SKIPPED = frozenset({".git", "node_modules", "vendor", "third_party", "site-packages"})


def advice(tree: Path, most: int) -> str:
    """The files, those nearest to the root first, each under its path, `most` characters in all; no links."""
    parts: list[str] = []
    left = most
    for path in sorted(_files(tree), key=lambda path: (path.count("/"), path.lower())):
        text = (tree / path).read_text("utf-8", "replace").strip()[: min(EACH, left)]
        if not text:
            continue
        parts.append(f"## {path}\n\n{text}")
        left -= len(text)
        if left <= 0:
            break
    return "\n\n".join(parts)


def _files(tree: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(tree):
        place = Path(folder).relative_to(tree)
        depth = len(place.parts)
        folders[:] = sorted(name for name in folders if name not in SKIPPED) if depth < DEPTH else []
        for name in files:
            if name.lower() in NAMES and not (Path(folder) / name).is_symlink():
                yield (place / name).as_posix()
