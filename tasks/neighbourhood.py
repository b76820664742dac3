"""Which test files guard a change where the whole suite takes too long: those that import what the issue is about.

Files are read and parsed, never run.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from sandbox.pysyntax import UNPARSABLE, parse
from tasks.task import Issue, TestFile

MOST = 20  # files
LARGEST = 1 << 20  # bytes of a test file that is read
TEST_NAME = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")


def neighbourhood(tree: Path, paths: Iterable[str], tests: Iterable[TestFile], issue: Issue) -> tuple[str, ...]:
    """The task's own test files, and up to `MOST` of the tree's that share an import with them or are named."""
    own = tuple(test.path for test in tests)
    about = {module for test in tests for module in imports(test.content)}
    text = issue.text()
    scored: list[tuple[int, str]] = []
    for path in paths:
        if not TEST_NAME.search(path) or path in own:
            continue
        file = tree / path
        if file.is_symlink() or file.stat().st_size > LARGEST:
            continue
        shared = sum(depth(module) for module in imports(file.read_bytes()) & about)
        named = 100 if path in text or re.search(rf"\b{re.escape(PurePosixPath(path).stem)}\b", text) else 0
        if shared + named:
            scored.append((-shared - named, path))
    return (*own, *(path for _, path in sorted(scored)[:MOST]))


def imports(source: bytes) -> frozenset[str]:
    """The modules that a file imports, of `from a import b` both `a` and `a.b`; none if it is no Python."""
    try:
        module = parse(source)
    except UNPARSABLE:
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def depth(module: str) -> int:
    """A shared `a.b.c` says more than a shared `a`."""
    return module.count(".") + 1
