"""Edits that were made side by side, joined: git's three-way merge, file by file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.git import GitFailed, HostGit

Files = Mapping[str, bytes | None]  # changed files by path, None: deleted


@dataclass(frozen=True, slots=True)
class Joined:
    files: dict[str, bytes | None]
    conflicts: tuple[str, ...]  # paths where both sides changed the same lines, or one deleted what the other changed


def join(base: Mapping[str, bytes | None], ours: Files, theirs: Files) -> Joined:
    """`ours` with what `theirs` changed beside it. A path in conflict stays as in `ours`.

    `base` has what both sides started from, for every path that either changed (None: it was not there).

    Raises:
        SandboxUnavailable: git is missing, or the disk is full.
    """
    files = dict(ours)
    conflicts = []
    with TemporaryDirectory(prefix="solve-merge-") as folder:
        HostGit(Path(folder, "git"))("init", "--quiet", "--bare", str(Path(folder, "git")))
        for path in sorted(theirs):
            mine, other, old = ours.get(path, base[path]), theirs[path], base[path]
            if other in (mine, old):
                continue
            if mine == old:
                files[path] = other
                continue
            merged = None if mine is None or other is None else _merged(Path(folder), old or b"", mine, other)
            if merged is None:
                conflicts.append(path)
            else:
                files[path] = merged
    return Joined(files, tuple(conflicts))


def _merged(folder: Path, old: bytes, mine: bytes, other: bytes) -> bytes | None:
    """The three-way merge of one file; None if it has conflicts, or is no text."""
    sides = [folder / name for name in ("mine", "old", "other")]
    for place, content in zip(sides, (mine, old, other), strict=True):
        place.write_bytes(content)
    try:
        return HostGit(folder / "git")("merge-file", "-p", "-q", *map(str, sides))
    except GitFailed:  # its status is the number of conflicts, or 255 for a file that is no text
        return None
