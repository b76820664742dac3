"""Tar archives at the border: `unpack` trusts nothing in the stream it reads, `pack` never follows a link.

The same two functions serve every backend: what comes out of a container, a snapshot, a copied folder. tarfile's own
extraction filters are not used: they let links of the archive be written through, and bound neither bytes nor members.
"""

import errno
import os
import stat
import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from sandbox.api import MEBIBYTE, PathRefused
from sandbox.tree import MAX_DEPTH, remove_tree, walk

HEADER_BYTES = MEBIBYTE  # tarfile holds the headers of one member in memory
CHUNK = 1 << 16
# What a name that no file system here can hold looks like, and two names that only this file system takes for one.
REFUSED = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOENT, errno.EILSEQ, errno.EINVAL, errno.ENOTDIR, errno.EISDIR)
# Malformed headers end in tarfile's own errors, but also in int(), in recursion over chained headers, and so on.
MALFORMED = (tarfile.TarError, ValueError, OverflowError, RecursionError, LookupError)


def unpack(stream: IO[bytes], target: Path, *, max_bytes: int, max_members: int) -> None:
    """Make the folder `target` and put the members of a hostile tar stream into it.

    Devices, fifos and sockets are left out. Modes keep their nine permission bits. A hard link becomes a copy of the
    member it names. Symbolic links are made when all else stands, so that nothing is ever written through one; where
    they point is data and stays as it is.

    Raises:
        FileExistsError: `target` exists.
        PathRefused: a member would leave `target`, contradicts another, passes a limit, or the archive is malformed
            or cut short. `target` is then removed, as it is after every other failure.
    """
    target.mkdir()
    try:
        _Unpacking(os.fsencode(target), max_bytes, max_members).run(stream)
    except BaseException as error:
        remove_tree(target)
        if isinstance(error, OSError) and error.errno in REFUSED:
            raise PathRefused(f"archive member cannot be written here: {error}") from error
        raise


def unpack_single(stream: IO[bytes], target: Path, *, max_bytes: int, max_members: int) -> None:
    """`unpack` for an archive with one member at its top, file, folder or link, that becomes `target` itself.

    Raises as `unpack`.
    """
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=target.parent) as folder:
        inner = Path(folder, "content")
        unpack(stream, inner, max_bytes=max_bytes, max_members=max_members)
        tops = list(inner.iterdir())
        try:
            if len(tops) != 1:
                raise PathRefused(f"archive holds {len(tops)} members at its top where one was asked for")
            top = tops[0]
            if top.is_dir() and not top.is_symlink():
                _rename_folder(top, target)
            else:
                top.rename(target)
        finally:
            remove_tree(inner)


def pack(
    source: Path,
    stream: IO[bytes],
    *,
    name: str,
    uid: int = 1000,
    gid: int = 1000,
    dir_fd: int | None = None,
    skip: frozenset[bytes] = frozenset(),
    max_bytes: int = sys.maxsize,
    max_members: int = sys.maxsize,
) -> None:
    """Write the file, folder or link `source` to `stream` as a tar archive (pax) whose top member is `name`.

    Links are written as links; devices, fifos and sockets are left out. `source` is relative to `dir_fd` if given.
    With `name` "." the members of a folder stand at the top; `skip` names entries of the top folder to leave out.
    The tree may change meanwhile, by a hostile hand: every component is opened without following links.

    Raises:
        FileNotFoundError, PermissionError: as for `open`.
        PathRefused: more than `max_bytes` of content, `max_members`, or `MAX_DEPTH`.
    """
    with tarfile.open(
        fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for place, dir_name, parent, found in walk(os.fsencode(source), dir_fd, skip):
            max_members -= 1
            max_bytes -= found.st_size if stat.S_ISREG(found.st_mode) else 0
            if max_bytes < 0 or max_members < 0:
                raise PathRefused(f"{source} holds more bytes or more members than allowed")
            member = tarfile.TarInfo("/".join((name, *map(_text, place))))
            member.uid, member.gid = uid, gid
            member.mode, member.mtime = stat.S_IMODE(found.st_mode), found.st_mtime
            _add(archive, member, found, dir_name, parent)
            archive.members = []  # type: ignore[attr-defined]  # it would keep every member in memory


class _Unpacking:
    """One run of `unpack`. Paths are bytes: names need not be UTF-8."""

    def __init__(self, target: bytes, max_bytes: int, max_members: int) -> None:
        self._target = target
        self._bytes = max_bytes
        self._members = max_members
        self._kinds: dict[bytes, bytes] = {b"": tarfile.DIRTYPE}
        self._folders: dict[bytes, tarfile.TarInfo] = {}
        self._links: list[tuple[bytes, bytes]] = []
        self._copies: list[tuple[bytes, bytes]] = []

    def run(self, stream: IO[bytes]) -> None:
        meter = _Meter(stream)
        try:
            with tarfile.open(
                fileobj=cast(IO[bytes], meter), mode="r|", bufsize=CHUNK, encoding="utf-8", errors="surrogateescape"
            ) as archive:
                self._read(archive, meter)
        except PathRefused:
            raise
        except MALFORMED as error:
            raise PathRefused(f"not a readable tar archive: {error}") from error
        for path, original in self._copies:
            self._copy(path, original)
        for path, destination in self._links:
            os.symlink(destination, self._at(path))  # noqa: PTH211 (bytes)
        for path in sorted(self._folders, reverse=True):  # deepest first: a folder may forbid entering it
            _settle(self._at(path), self._folders[path])

    def _read(self, archive: tarfile.TarFile, meter: "_Meter") -> None:
        while True:
            meter.allow(0)
            member = archive.next()
            if member is None:
                break
            archive.members = []  # type: ignore[attr-defined]  # as in `pack`
            self._count()
            self._spend(member.size)
            meter.allow(member.size)
            self._place(archive, member)
        # The end is two blocks of zeros. A stream that merely stops was cut short, by whatever sent it.
        if archive.fileobj.tell() == archive.offset:
            raise PathRefused("archive is cut short")

    def _place(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = _inside(member.name)
        if member.isdir():
            self._claim_folder(path)
            self._folders[path] = member
        elif member.issym():
            self._claim(path, member.type)
            self._links.append((path, _bytes(member.linkname)))
        elif member.islnk():
            self._claim(path, member.type)
            self._copies.append((path, _inside(member.linkname)))
        elif member.isreg():
            self._claim(path, tarfile.REGTYPE)
            self._write(archive, member, path)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: bytes) -> None:
        content = archive.extractfile(member)
        if content is None:
            raise PathRefused(f"archive member without content: {member.name!r}")
        with _create(self._at(path)) as file:
            while chunk := content.read(CHUNK):
                file.write(chunk)
        _settle(self._at(path), member)

    def _copy(self, path: bytes, original: bytes) -> None:
        if self._kinds.get(original) != tarfile.REGTYPE:
            raise PathRefused(f"hard link to what is no file of the archive: {_text(original)!r}")
        with open(self._at(original), "rb") as source, _create(self._at(path)) as file:  # noqa: PTH123 (bytes)
            found = os.fstat(source.fileno())
            self._spend(found.st_size)
            while chunk := source.read(CHUNK):
                file.write(chunk)
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
            os.utime(file.fileno(), ns=(found.st_mtime_ns, found.st_mtime_ns))
        self._kinds[path] = tarfile.REGTYPE

    def _claim_folder(self, path: bytes) -> None:
        known = self._kinds.get(path)
        if known == tarfile.DIRTYPE:
            return
        self._claim(path, tarfile.DIRTYPE)
        os.mkdir(self._at(path), 0o700)  # noqa: PTH102 (bytes)

    def _claim(self, path: bytes, kind: bytes) -> None:
        """Take a name that nothing else has, below folders that are folders."""
        if path in self._kinds:
            raise PathRefused(f"archive names {_text(path)!r} twice")
        parent = path.rpartition(b"/")[0]
        missing = []
        while parent not in self._kinds:
            missing.append(parent)
            parent = parent.rpartition(b"/")[0]
        if self._kinds[parent] != tarfile.DIRTYPE:
            raise PathRefused(f"archive puts {_text(path)!r} below what is no folder")
        for folder in reversed(missing):
            self._count()
            self._kinds[folder] = tarfile.DIRTYPE
            os.mkdir(self._at(folder))  # noqa: PTH102 (bytes)
        self._kinds[path] = kind

    def _count(self) -> None:
        self._members -= 1
        if self._members < 0:
            raise PathRefused("archive holds more members than allowed")

    def _spend(self, size: int) -> None:
        self._bytes -= size
        if size < 0 or self._bytes < 0:
            raise PathRefused("archive holds more bytes than allowed")

    def _at(self, path: bytes) -> bytes:
        return self._target + b"/" + path if path else self._target


class _Meter:
    """The stream as tarfile may read it: the content of a member, and not much more than that at a time."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = HEADER_BYTES

    def allow(self, size: int) -> None:
        self._left = size + HEADER_BYTES

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise PathRefused("archive header larger than allowed")
        return data


def _inside(name: str) -> bytes:
    """The path of a member below the target, empty for the target itself."""
    path = _bytes(name)
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if path.startswith(b"/") or b".." in parts:
        raise PathRefused(f"archive member would leave its folder: {name[:200]!r}")
    if len(parts) > MAX_DEPTH:
        raise PathRefused(f"archive member deeper than {MAX_DEPTH} folders")
    return b"/".join(parts)


def _bytes(name: str) -> bytes:
    path = name.encode("utf-8", "surrogateescape")
    if b"\0" in path:
        raise PathRefused(f"archive member with a NUL in its name: {name[:200]!r}")
    return path


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _create(path: bytes) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _settle(path: bytes, member: tarfile.TarInfo) -> None:
    """Give mode and time to a file or folder of ours (never a link). A time that no clock shows is left out."""
    with suppress(OverflowError, ValueError, OSError):
        os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)
    os.chmod(path, member.mode & 0o777)  # noqa: PTH101 (bytes)


def _rename_folder(folder: Path, target: Path) -> None:
    """A folder without write permission cannot be moved by an ordinary user: its `..` changes."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    folder.chmod(mode | stat.S_IRWXU)
    folder.rename(target)
    target.chmod(mode)


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, found: os.stat_result, name: bytes, parent: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    elif stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, _text(os.readlink(name, dir_fd=parent))
        archive.addfile(member)
    else:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        with os.fdopen(descriptor, "rb") as content:
            member.size = found.st_size
            archive.addfile(member, content)
