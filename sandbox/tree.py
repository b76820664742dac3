"""Folder trees made by a hostile hand: walk, copy and remove them without following a link, however deep they are."""

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
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


def copy_tree(source: Path, parent: int, name: bytes) -> None:
    """Copy a file, folder or link to `name` in the open folder `parent`: modes, times and links kept, links as links.

    A folder is merged into a folder that is there; files and links replace files and links.

    Raises:
        OSError: as for `open`; a link where a folder has to be is NotADirectoryError, a folder where a file has to be
            is IsADirectoryError.
    """
    folders = []
    for place, entry, origin, found in walk(os.fsencode(source), None, frozenset()):
        *above, last = (name, *place)
        holder = enter(parent, tuple(above)) if above else os.dup(parent)
        try:
            _put(origin, entry, found, holder, last)
        finally:
            os.close(holder)
        if stat.S_ISDIR(found.st_mode):
            folders.append(((name, *place), stat.S_IMODE(found.st_mode)))
    for path, mode in reversed(folders):  # at last, and the deepest first: a folder may forbid writing into it
        folder = enter(parent, path)
        os.fchmod(folder, mode)
        os.close(folder)


def _put(origin: int, entry: bytes, found: os.stat_result, holder: int, name: bytes) -> None:
    if stat.S_ISDIR(found.st_mode):
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=holder)
        return
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=holder)
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(entry, dir_fd=origin), name, dir_fd=holder)
        return
    source = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=origin)
    with os.fdopen(source, "rb") as content:
        target = os.open(
            name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=holder
        )
        with os.fdopen(target, "wb") as copy:
            shutil.copyfileobj(content, copy, 1 << 20)
            os.fchmod(target, stat.S_IMODE(found.st_mode) & 0o777)
        os.utime(name, ns=(found.st_mtime_ns, found.st_mtime_ns), dir_fd=holder, follow_symlinks=False)


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
