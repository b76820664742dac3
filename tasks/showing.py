"""Tests that come with an issue: fenced Python blocks of its body that hold a test (pure)."""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandbox.api import BadInput
from sandbox.pysyntax import UNPARSABLE, parse
from tasks.task import Issue, TestFile

FENCE = re.compile(r"(?P<indent> *)(?P<mark>`{3,}(?=[^`]*$)|~{3,}) *(?P<language>[\w+-]*)")
PYTHON = frozenset(("python", "py", "python3"))
PATH_COMMENT = re.compile(r"#\s*(?:file(?:name)?:\s*)?(?P<path>\S+\.py)\s*")
TEST_NAME = re.compile(r"test\w*\.py|\w+_test\.py")


def showing_tests(issue: Issue, tree: Collection[str]) -> tuple[TestFile, ...]:
    """The test files in the issue's body. A block whose first line is a comment that is a path stands there; another
    one in the tree's own test folder. `tree` holds the paths of the base.

    Raises:
        BadInput: a path leaves the tree, is not that of a test file, or is already taken.
    """
    taken = {path.lower() for path in tree}
    found: dict[str, TestFile] = {}
    for block in blocks(issue.body):
        if not holds_test(block):
            continue
        comment = PATH_COMMENT.fullmatch(block.split("\n", 1)[0])
        path = _checked(comment["path"], taken) if comment else default_path(tree, taken)
        taken.add(path.lower())
        found[path] = TestFile(path, block.encode("utf-8", "surrogatepass"), "issue")
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Fenced:
    """A fenced block, and the prose between the one before and it."""

    prose: str
    language: str  # in lower case; may be empty
    code: str


def blocks(text: str) -> Iterator[str]:
    """The content of fenced Python blocks."""
    return (block.code for block in fenced(text) if block.language in PYTHON)


def fenced(text: str) -> Iterator[Fenced]:
    """Fenced blocks, as CommonMark reads fences; one that is never closed is none. The prose after the last block is
    one more, without code."""
    lines = text.split("\n")
    place = end_before = 0
    while place < len(lines):
        opening = FENCE.match(lines[place])
        place += 1
        if not opening:
            continue
        closing = re.compile(rf" *{re.escape(opening['mark'][0])}{{{len(opening['mark'])},}}\s*")
        end = next((number for number in range(place, len(lines)) if closing.fullmatch(lines[number])), None)
        if end is None:
            break
        code = "".join(f"{line.removeprefix(opening['indent'])}\n" for line in lines[place:end])
        yield Fenced("\n".join(lines[end_before : place - 1]), opening["language"].lower(), code)
        place = end_before = end + 1
    yield Fenced("\n".join(lines[end_before:]), "", "")


def holds_test(source: str) -> bool:
    """Whether a runner would find a test: a function named so, in the module or in a class of it."""
    try:
        module = parse(source)
    except UNPARSABLE:
        return False  # a session, a fragment or nonsense: not a test
    bodies = [module.body, *(item.body for item in module.body if isinstance(item, ast.ClassDef))]
    functions = (item for body in bodies for item in body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(item.name.startswith("test") for item in functions)


def _checked(name: str, taken: Collection[str]) -> str:
    path = PurePosixPath(name)
    odd = path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable()
    if odd or any(part.lower() == ".git" for part in path.parts):
        raise _refused(name, "does not stay within the repository")
    if not TEST_NAME.fullmatch(path.name):
        raise _refused(name, "is not named as a test file is (test_*.py)")
    if str(path).lower() in taken or any(str(parent).lower() in taken for parent in path.parents):
        raise _refused(name, "is already taken")
    return str(path)


def _refused(name: str, problem: str) -> BadInput:
    return BadInput(
        f"the issue gives a test as {name!r}, which {problem}: save the issue to a file, and change that path"
    )


def default_path(tree: Collection[str], taken: Collection[str]) -> str:
    folder = next((name for name in ("tests/", "test/") if any(path.startswith(name) for path in tree)), "")
    names = (f"{folder}test_issue{number}.py" for number in ("", *map(str, range(2, len(taken) + 3))))
    return next(name for name in names if name not in taken)
