"""Which test files belong to which sources, by their names, their text and their places. Files are read, never run."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

LARGEST = 1 << 20  # bytes of a test file that is read
TEST_NAME = re.compile(r"(^|/)((?:[a-z]*test|tests?)_[^/]*|[^/]*_tests?)\.py$")
AFFIX = re.compile(r"^[a-z]*tests?_|_tests?$")
SKIPPED = frozenset({".git", "node_modules", "vendor", "site-packages"})


def like_tests(tree: Path) -> list[str]:
    """Every file of the tree that is named like a test; links are not followed."""
    found = []
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        paths = [(Path(folder) / name).relative_to(tree).as_posix() for name in names]
        found += [path for path in paths if TEST_NAME.search(path) and not (tree / path).is_symlink()]
    return sorted(found)


def neighbours(tree: Path, tests: Iterable[str], sources: Sequence[str], most: int) -> list[str]:
    """The test files nearest to these sources: named like one, importing one, naming one; then by place."""
    ranked = []
    for path in tests:
        kin = max((_kin(tree, path, source) for source in sources), default=0)
        if kin:
            near = max(_shared(path, source) for source in sources)
            ranked.append((-kin, -near, path))
    return [path for *_, path in sorted(ranked)[:most]]


def _kin(tree: Path, test: str, source: str) -> int:
    """How sure it is that a test file tests a source: 3 by its name, 2 by an import, 1 by a word, else 0."""
    place = PurePosixPath(source)
    stem = place.parent.name if place.stem == "__init__" else place.stem
    if not stem or source == test:
        return 3 if stem else 0
    words = AFFIX.sub("", PurePosixPath(test).stem).split("_")
    wanted = stem.strip("_").split("_")
    if words[-len(wanted) :] == wanted or words[: len(wanted)] == wanted:
        return 3
    file = tree / test
    if not file.is_file() or file.is_symlink() or file.stat().st_size > LARGEST:
        return 0
    text = file.read_text("utf-8", "replace")
    module = re.escape(f"{place.parent.name}.{stem}") if place.parent.name else re.escape(stem)
    if re.search(rf"^\s*(?:from|import)\s[^#\n]*\b{module}\b", text, re.MULTILINE):
        return 2
    return 1 if re.search(rf"\b{re.escape(stem)}\b", text) else 0


def _shared(one: str, other: str) -> int:
    return len({*PurePosixPath(one).parts} & {*PurePosixPath(other).parts})
