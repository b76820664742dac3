"""Two commits → what changed between them, told apart: the fix, and the tests that judge it."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandbox.git import HostGit
from tasks.neighbourhood import TEST_NAME
from tasks.protected import protected

TEST_FOLDERS = frozenset({"test", "tests"})
TOP_TEST_FOLDERS = TEST_FOLDERS | {"testing"}  # deeper down it is a library's own module for tests of others
# Python that is no part of what a release installs.
BESIDE = frozenset({"doc", "docs", "example", "examples", "benchmark", "benchmarks", "tools", "scripts", ".github"})
LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}  # a file's name is no pattern
MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """Patches in git's own format; either may be empty."""

    patch: bytes  # all that is no test; of a release only its Python source
    test_patch: bytes
    source: tuple[str, ...]  # Python files of the program that the patch changes
    tests: tuple[str, ...]  # files that a runner can be given, or that stand beside such


def is_test(path: str) -> bool:
    parts = PurePosixPath(path).parts
    in_folder = any(part in TEST_FOLDERS for part in parts[:-1]) or (len(parts) > 1 and parts[0] in TOP_TEST_FOLDERS)
    return in_folder or bool(TEST_NAME.search(path)) or parts[-1] in ("conftest.py", "tests.py")


def is_source(path: str) -> bool:
    place = PurePosixPath(path)
    aside = is_test(path) or protected(path) or bool(BESIDE & set(place.parts)) or place.name == "setup.py"
    return place.suffix == ".py" and not aside


def parts(git: HostGit, before: str, after: str, *, source_only: bool) -> Parts:
    """With `source_only` the patch is the source alone: between two archives much changes that is no fix."""
    names = git.records("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, after)
    paths = [name.decode("utf-8", "surrogateescape") for name in names]
    tests, source = [path for path in paths if is_test(path)], [path for path in paths if is_source(path)]
    rest = source if source_only else [path for path in paths if not is_test(path)]
    if max(len(tests), len(rest)) > MOST_FILES:
        return Parts(b"", b"", tuple(source), tuple(tests))
    return Parts(
        difference(git, before, after, rest), difference(git, before, after, tests), tuple(source), tuple(tests)
    )


def difference(git: HostGit, before: str, after: str, paths: list[str]) -> bytes:
    if not paths:
        return b""
    command = ("diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames", "--no-color", "--no-ext-diff")
    return git(*command, before, after, "--", *paths, environment=LITERAL)


def changed_lines(patch: bytes) -> int:
    """Added and removed ones."""
    return len(re.findall(rb"^[+-](?![+-]{2} )", patch, re.MULTILINE))
