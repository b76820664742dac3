"""How a repository writes its tests: where they stand, what they are called, with which framework, and an example."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

EXAMPLE = 1_500  # characters of the example: its imports, its first tests
UNITTEST = re.compile(r"^class \w+\((?:\w+\.)*\w*TestCase\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Conventions:
    example: str  # path of a test file near the code in question; empty where the repository has no tests
    text: str  # for a prompt


def conventions(tree: Path, tests: Sequence[str], likely: Sequence[str]) -> Conventions:
    """`tests`: files whose tests ran on the base; `likely`: source files that may matter, best first."""
    files = [path for path in dict.fromkeys(tests) if (tree / path).is_file()]
    if not files:
        return Conventions("", "The repository has no tests yet: write pytest functions into a new file below tests/.")
    example = min(files, key=lambda path: _distance(path, likely))
    content = (tree / example).read_text("utf-8", "replace")
    framework = "unittest.TestCase classes" if UNITTEST.search(content) else "plain pytest functions or classes"
    folders = Counter(str(PurePosixPath(path).parent) for path in files)
    names = Counter("test_*.py" if PurePosixPath(path).name.startswith("test_") else "*_test.py" for path in files)
    where = ", ".join(f"{folder}/ ({count})" for folder, count in folders.most_common(4))
    return Conventions(
        example,
        f"- test files stand in {where} and are called {names.most_common(1)[0][0]}\n"
        f"- they hold {framework}\n"
        f"- nearest to the code in question is {example}, which starts so:\n\n{content[:EXAMPLE]}",
    )


def _distance(path: str, likely: Sequence[str]) -> tuple[int, int, str]:
    """How far a test file is from the likeliest source it could belong to: by name, else by place."""
    stem = PurePosixPath(path).stem.removeprefix("test_").removesuffix("_test")
    named = [rank for rank, source in enumerate(likely) if PurePosixPath(source).stem.lstrip("_") == stem]
    shared = max((_shared(path, source) for source in likely[:5]), default=0)
    return (named[0] if named else len(likely), -shared, path)


def _shared(one: str, other: str) -> int:
    return len({*PurePosixPath(one).parts} & {*PurePosixPath(other).parts})
