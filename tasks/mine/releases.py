"""Releases of a package → candidates: each release and the one after it, where the archives carry tests."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from sandbox.api import BadInput
from sandbox.git import HostGit
from sandbox.release import Release, open_release
from tasks.mine.candidate import Candidate, refused
from tasks.parts import LITERAL
from tasks.released import Pair, Pinned, opened
from tasks.task import Issue

CHANGELOG = re.compile(r"^(?:docs?/)?(?:source/)?(?:CHANGE|HISTORY|NEWS|RELEASE)[^/]*$", re.IGNORECASE)
README = re.compile(r"^README[^/]*$", re.IGNORECASE)  # some keep their history there
MOST_WORDS = 8_000  # characters of a changelog


def consecutive(found: Sequence[Release], most: int) -> list[tuple[Release, Release]]:
    """The newest pairs of an oldest-first list, newest first (pure)."""
    return list(pairwise(found))[::-1][:most]


def name_of(before: Release, after: Release) -> str:
    return f"{after.package}-{before.version}-to-{after.version}"


def candidate(before: Release, after: Release) -> Candidate | str:
    """The candidate, or why there is none.

    Raises:
        NetworkUnavailable: an archive cannot be had.
    """
    pair = Pair(
        package=after.package,
        before=Pinned(version=before.version, sha256=before.sha256),
        after=Pinned(version=after.version, sha256=after.sha256),
    )
    try:
        found = opened(pair)
    except BadInput as problem:
        return f"archive: {problem}"
    if why := refused(found.parts):
        return why
    words = "\n".join(changelog(pair)).strip()
    if not words:
        return "says nothing"
    title = f"{after.package} {before.version}: what release {after.version} mends"
    return Candidate(
        name_of(before, after),
        before.address,
        found.base_commit,
        found.parts,
        Issue(title, f"\n{words}", source="changelog"),
        after.uploaded,
        before.version,
        pair.model_dump(),
    )


def changelog(pair: Pair) -> Iterator[str]:
    """What the later release's changelog (else its README) has and the earlier one's has not, `MOST_WORDS` at most."""
    before, after = open_release(pair.base), open_release(pair.fixed)
    git = HostGit(after, alternates=(before / "objects",))
    old = HostGit(before).text("rev-parse", "HEAD")
    names = git.records("diff-tree", "-r", "-z", "--no-renames", "--name-only", old, "HEAD")
    paths = [name.decode("utf-8", "replace") for name in names]
    logs = [path for path in paths if CHANGELOG.match(path)] or [path for path in paths if README.match(path)]
    left = MOST_WORDS
    for path in logs[:2]:
        text = git("diff-tree", "-r", "-p", "-U0", old, "HEAD", "--", path, environment=LITERAL)
        for line in text.decode("utf-8", "replace").splitlines():
            if line.startswith("+") and not line.startswith("+++ ") and left > 0:
                left -= len(line)
                yield line[1:]
