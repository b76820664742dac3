"""Real bugs as they stand in `realbugs.json`, and the places where they can be run: trees of commits, environments.

The file holds names only: repositories, commits, ids of tests. Their code comes from mirrors.
"""

import ast
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.repair.files import TEST_FILE, TEST_FOLDER
from sandbox import open_sandbox
from sandbox.api import MEBIBYTE, Image
from sandbox.archive import unpack
from sandbox.git import HostGit
from sandbox.origin import open_origin
from sandbox.testlog import TestReport
from sandbox.testrun import run_tests

LIST = Path(__file__).with_name("realbugs.json")
COMMAND = "python -m pytest -o addopts="  # a repository's own options often want plugins that have no say here
ENV = {
    "PYTHONPATH": "{workdir}/src:{workdir}",
    "PYTHONHASHSEED": "0",
    "HYPOTHESIS_SEED": "0",
}
SUITE = 60.0  # wall seconds


@dataclass(frozen=True)
class Repository:
    name: str  # OWNER/NAME
    part: str  # develop: operators were made while looking at its bugs; report: they were not
    requirements: tuple[str, ...]  # of its tests; the released package among them, for its dependencies and version


@dataclass(frozen=True)
class Bug:
    """A commit that mends one function, and what shows that it does."""

    repository: str
    commit: str
    source: str  # the file that it mends
    tests: tuple[str, ...]  # files of tests that it changes
    showing: tuple[str, ...]  # ids that fail without the mended file and pass with it
    title: str


@dataclass(frozen=True)
class Listed:
    repositories: tuple[Repository, ...]
    bugs: tuple[Bug, ...]
    read: Mapping[str, str]  # digest of a delivered diff → right, or why not: judged by a person who read it


def load() -> Listed:
    raw = json.loads(LIST.read_text(encoding="utf-8"))
    bugs = (Bug(**{**row, "tests": tuple(row["tests"]), "showing": tuple(row["showing"])}) for row in raw["bugs"])
    repositories = (Repository(**{**row, "requirements": tuple(row["requirements"])}) for row in raw["repositories"])
    return Listed(tuple(repositories), tuple(bugs), raw["read"])


def save(listed: Listed) -> None:
    LIST.write_text(json.dumps(asdict(listed), indent=1) + "\n", encoding="utf-8")


@contextmanager
def git_of(repository: str, mirrors: Path) -> Iterator[HostGit]:
    with (
        tempfile.TemporaryDirectory(prefix="realbugs-git-") as scratch,
        open_origin(repository, None, mirrors=mirrors, tell=print) as origin,
    ):
        yield origin.reader(Path(scratch))


def tree(git: HostGit, commit: str, target: Path) -> None:
    data = io.BytesIO(git("archive", "--format=tar", commit))
    unpack(data, target, max_bytes=512 * MEBIBYTE, max_members=50_000)


def unmended(git: HostGit, commit: str, source: str, target: Path) -> None:
    """The tree of a commit with the one file as it was before."""
    tree(git, commit, target)
    (target / source).write_bytes(git("show", f"{commit}~1:{source}"))


def environment(repository: Repository, folder: Path) -> Path:
    """A virtual environment with what the tests need, made once."""
    digest = hashlib.sha256("\n".join(repository.requirements).encode()).hexdigest()[:8]
    place = folder / f"{repository.name.replace('/', '+')}-{digest}"
    if not (place / ".complete").exists():
        python = str(place / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *repository.requirements]
        for command in ([sys.executable, "-m", "venv", "--clear", str(place)], install):
            subprocess.run(command, check=True, timeout=600)
        (place / ".complete").touch()
    return place


def image(folder: Path, venv: Path) -> Image:
    """Of a folder that holds `tree`. For bubblewrap: an edit of known code is code that nobody knows."""
    link = folder / "venv"
    if not link.is_symlink():
        link.symlink_to(venv.resolve())
    return Image("bubblewrap", str(folder), "/work", ENV)


def report(built: Image, tests: tuple[str, ...]) -> TestReport:
    with open_sandbox(built) as sandbox:
        return run_tests(sandbox, COMMAND, tests, timeout=SUITE)


def is_test(path: str) -> bool:
    pure = Path(path)
    return bool(TEST_FILE.match(pure.name)) or any(TEST_FOLDER.match(part) for part in pure.parts[:-1])


def plain(data: bytes) -> str:
    """A program without its layout, comments and docstrings."""
    module = ast.parse(data)
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [item for item in body if not _is_text(item)]  # type: ignore[attr-defined]
    return ast.dump(module)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
