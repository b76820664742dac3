"""Find real bugs for `realbugs.py`: commits that mend one function and bring a test that shows it.

    python tests/bench/realbugs_mine.py --mirrors DIR [--most N] OWNER/NAME ...

DIR holds bare mirrors as OWNER/NAME.git. The newest commits that qualify are taken, at most N of a repository, whatever
the repair engine makes of them:

- no merge; one source file changes, in Python, and tests do; no other Python file does
- the program (without comments and docstrings) changes in one function, by at most 5 lines
- with the commit's own tests, some fail on the file as it was before and pass on the mended one

The repositories and the requirements of their tests stand in `realbugs.json`; there the bugs found replace the old
ones.
"""

import argparse
import ast
import difflib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from realbugs_site import (
    Bug,
    Repository,
    environment,
    git_of,
    image,
    is_test,
    load,
    plain,
    report,
    save,
    tree,
    unmended,
)

from agents.repair.source import Source, Unreadable, parse
from sandbox.git import GitFailed, HostGit

LINES = 5  # taken out or put in
DEEP = 4000  # commits that are looked at
TRIES = 30  # commits whose tests are run, of one repository
BEHIND_GIT = "\x01"


@dataclass(frozen=True)
class Commit:
    id: str
    title: str
    source: str
    tests: tuple[str, ...]


def candidates(git: HostGit) -> Iterator[Commit]:
    """Newest first."""
    text = git("log", "--no-merges", "-n", str(DEEP), f"--format={BEHIND_GIT}%H %s", "--numstat", "--no-renames")
    for record in text.decode("utf-8", "replace").split(BEHIND_GIT)[1:]:
        head, *rows = record.strip().splitlines()
        commit, _, title = head.partition(" ")
        changed = {row.split("\t")[2]: row.split("\t")[:2] for row in rows if row.count("\t") == 2}
        python = [path for path in changed if path.endswith(".py")]
        sources = [path for path in python if not is_test(path)]
        tests = tuple(path for path in python if is_test(path) and Path(path).name != "conftest.py")
        if len(sources) == 1 and tests and max(map(int, changed[sources[0]])) <= 4 * LINES:
            yield Commit(commit, title, sources[0], tests)


def is_small(git: HostGit, commit: Commit) -> bool:
    """Whether one function changes, by few lines."""
    try:
        versions = [git("show", f"{revision}:{commit.source}") for revision in (f"{commit.id}~1", commit.id)]
        before, after = (parse(commit.source, data) for data in versions)
    except (GitFailed, Unreadable):
        return False
    if plain(before.data) == plain(after.data):
        return False
    old, new = outside_and_functions(before), outside_and_functions(after)
    if old.keys() != new.keys():
        return False
    changed = [name for name in old if old[name] != new[name]]
    return len(changed) == 1 and changed != [""] and lines_changed(old[changed[0]], new[changed[0]]) <= LINES


def outside_and_functions(source: Source) -> dict[str, str]:
    """The program of each outermost function by its name and place among its namesakes; "" is all the rest."""
    found: dict[str, str] = {}
    functions = [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in functions:
        if source.function(node) is None:
            name = f"{getattr(source.class_of(node), 'name', '')}.{node.name}"
            number = sum(key.rpartition("#")[0] == name for key in found)
            found[f"{name}#{number}"] = ast.unparse(ast.parse(ast.unparse(without_text(node))))
    for node in functions:
        node.body = [ast.Pass()]
        node.args = ast.arguments([], [], None, [], [], None, [])
        node.decorator_list = []
        node.returns = None
    found[""] = ast.unparse(source.tree)
    return found


def without_text(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.FunctionDef | ast.AsyncFunctionDef:
    if ast.get_docstring(function, clean=False) is not None:
        function.body = function.body[1:] or [ast.Pass()]
    return function


def lines_changed(before: str, after: str) -> int:
    """The larger of the lines taken out and put in."""
    rows = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return max(sum(row.startswith(sign) for row in rows) for sign in "-+")


def bug(git: HostGit, repository: Repository, commit: Commit, venv: Path) -> Bug | None:
    """What the commit's tests show, if they show it."""
    with tempfile.TemporaryDirectory(prefix="realbugs-") as scratch:
        mended, old = Path(scratch, "mended"), Path(scratch, "old")
        for folder in (mended, old):
            folder.mkdir()
        tree(git, commit.id, mended / "tree")
        tests = tuple(path for path in commit.tests if (mended / "tree" / path).exists())
        if not tests:
            return None
        after = report(image(mended, venv), tests)
        if not after.usable or not after.ids("passed"):
            return None
        unmended(git, commit.id, commit.source, old / "tree")
        before = report(image(old, venv), tests)
        # In both runs: some ids hold the time of day.
        showing = sorted((after.ids("passed") & before.cases.keys()) - before.ids("passed")) if before.usable else []
        return Bug(repository.name, commit.id, commit.source, tests, tuple(showing), commit.title) if showing else None


def mined(repository: Repository, mirrors: Path, environments: Path, most: int) -> list[Bug]:
    found: list[Bug] = []
    tries = 0
    venv = environment(repository, environments)
    with git_of(repository.name, mirrors) as git:
        for commit in candidates(git):
            if len(found) >= most or tries >= TRIES:
                break
            if not is_small(git, commit):
                continue
            tries += 1
            made = bug(git, repository, commit, venv)
            print(
                f"{repository.name} {commit.id[:10]} {'taken' if made else 'shows nothing'}: {commit.title}", flush=True
            )
            found += [made] if made else []
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mirrors", type=Path, required=True, metavar="DIR")
    parser.add_argument("--environments", type=Path, default=Path("runs/realbugs"), metavar="DIR")
    parser.add_argument("--most", type=int, default=3, metavar="N")
    parser.add_argument("names", nargs="*", metavar="OWNER/NAME")
    options = parser.parse_args()
    listed = load()
    known = {repository.name: repository for repository in listed.repositories}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"{unknown[0]} is not in realbugs.json: put it there with what its tests require", file=sys.stderr)
        return 2
    for name in options.names or list(known):
        bugs = mined(known[name], options.mirrors, options.environments, options.most)
        listed = replace(listed, bugs=(*(item for item in listed.bugs if item.repository != name), *bugs))
        save(listed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
