"""Paths of the tree that is worked on: as a patch names them, whether the base has them, and files at them."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from sandbox.api import PathRefused, Sandbox


def inside(path: str) -> str:
    """A path of the tree, as the patch will name it. Raises PathRefused for any other."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or ".git" in parts:
        raise PathRefused(f"{path}: give a path of the repository, relative to its root")
    return str(PurePosixPath(*parts))


def is_file(tree: Path, path: str) -> bool:
    """Whether the base has this file: no link on the way is followed."""
    place = tree
    for part in PurePosixPath(path).parts:
        place /= part
        if place.is_symlink():
            return False
    return place.is_file()


def write_files(sandbox: Sandbox, files: Mapping[str, bytes | None]) -> None:
    for path, content in files.items():
        if content is None:
            sandbox.exec(["rm", "-f", "--", path])
        else:
            mode = 0o755 if sandbox.exec(["test", "-x", path]).ok else 0o644
            sandbox.write(path, content, mode=mode)
