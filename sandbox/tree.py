"""Folder trees made by a hostile hand: walk and remove them without following a link, however deep they are."""

import errno
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sandbox.api import PathRefused

MAX_DEPTH = 512  # folders within folders; also keeps the walk, which opens each folder from the top, off quadratic time

KINDS = (stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK)
Entry = tuple[tuple[bytes, ...], bytes, int, os.stat_result]  # place below the source, name, its folder, what it is


def walk(source: bytes, dir_fd: int | None, skip: frozenset[bytes]) -> Iterator[Entry]:
    """Files, folders and links from `source` down, each with an open descriptor of the folder that holds it.

    `source` is relative to `dir_fd` if given; `skip` names entries of the top folder to leave out, with all below.

    Raises:
        FileNotFoundError, PermissionError: as for `open`.
        PathRefused: deeper than `MAX_DEPTH`, or `source` is a device, fifo or socket.
    """
    head, name = os.path.split(os.path.normpath(source))
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    parent = os.open(head or b".", flags, dir_fd=dir_fd)
    try:
        found = os.stat(name or b".", dir_fd=parent, follow_symlinks=False)
        if stat.S_IFMT(found.st_mode) not in KINDS:
            raise PathRefused(f"{os.fsdecode(source)} is neither file nor folder nor link")
        yield (), name or b".", parent, found
        waiting: list[tuple[bytes, ...]] = [()] if stat.S_ISDIR(found.st_mode) else []
        while waiting:
            place = waiting.pop()
            if len(place) > MAX_DEPTH:
                raise PathRefused(f"tree deeper than {MAX_DEPTH} folders")
            folder = enter(parent, (name or b".", *place))
            try:
                yield from _entries(folder, place, skip if not place else frozenset(), waiting)
            finally:
                os.close(folder)
    finally:
        os.close(parent)


def _entries(
    folder: int, place: tuple[bytes, ...], skip: frozenset[bytes], waiting: list[tuple[bytes, ...]]
) -> Iterator[Entry]:
    with os.scandir(folder) as entries:
        names = sorted(os.fsencode(entry.name) for entry in entries)
    for name in names:
        if name in skip:
            continue
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            waiting.append((*place, name))
        if stat.S_IFMT(found.st_mode) in KINDS:
            yield (*place, name), name, folder, found


def enter(parent: int, place: tuple[bytes, ...]) -> int:
    """Open the folder `place` below `parent`, no component of it a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(place[0], flags, dir_fd=parent)
    for name in place[1:]:
        below = folder
        try:
            folder = os.open(name, flags, dir_fd=below)
        finally:
            os.close(below)
    return folder


def remove_tree(path: Path) -> None:
    """Remove a file or folder without following links, however deep, and whatever its folders' modes are.

    By `rm`, because `shutil.rmtree` ends in RecursionError on a tree made deep on purpose.
    """
    command = ["rm", "-rf", "--", os.fspath(path)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        subprocess.run(["chmod", "-R", "u+rwX", "--", os.fspath(path)], capture_output=True, check=False)
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0 and os.path.lexists(path):
            raise OSError(errno.EIO, done.stderr.decode("utf-8", "replace").strip()[:200], str(path))
