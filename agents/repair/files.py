"""Which files of a tree may be edited, and reading them: parsed on the host, never run there."""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from agents.repair.source import LARGEST, Source, Unreadable, parse

TEST_FOLDER = re.compile(r"^(tests?|testing|.*_tests?|tests?_.*|.*_?testcases)$", re.IGNORECASE)
TEST_FILE = re.compile(r"^(test_.*|.*_test|tests?|conftest)\.py$")
MOST = 60  # files that are parsed


def editable(path: str) -> bool:
    """Not a test, nor what tests are made of: a patch mends the program, not its tests."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or pure.suffix != ".py":
        return False
    return not TEST_FILE.match(pure.name) and not any(TEST_FOLDER.match(part) for part in pure.parts[:-1])


def read(tree: Path, paths: Iterable[str]) -> dict[str, Source]:
    """The files that can be edited; others are left out. No link is followed out of the tree."""
    sources: dict[str, Source] = {}
    root = tree.resolve()
    for path in paths:
        place = (tree / path).resolve()
        if len(sources) >= MOST or not editable(path) or not place.is_relative_to(root) or not place.is_file():
            continue
        if place.stat().st_size > LARGEST:
            continue
        try:
            sources[path] = parse(path, place.read_bytes())
        except Unreadable:
            continue
    return sources
