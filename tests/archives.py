"""Archives for tests, member by member, and what is found below a folder."""

import io
import os
import stat
import tarfile
from pathlib import Path

from sandbox.archive import unpack

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", link: str = "", mode: int = 0o644) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, len(data), link, mode
    return info, data


def link(name: str, destination: str) -> Member:
    return member(name, tarfile.SYMTYPE, link=destination)


def folder(name: str, mode: int = 0o755) -> Member:
    return member(name, tarfile.DIRTYPE, mode=mode)


def archive(*members: Member, form: int = tarfile.PAX_FORMAT) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as out:
        for info, data in members:
            out.addfile(info, io.BytesIO(data))
    stream.seek(0)
    return stream


def unpacked(stream: io.BytesIO, target: Path, max_bytes: int = 1 << 20, max_members: int = 1000) -> Path:
    unpack(stream, target, max_bytes=max_bytes, max_members=max_members)
    return target


def entries(top: Path) -> list[str]:
    return sorted(path.name for path in top.iterdir())


def listing(top: Path) -> dict[bytes, tuple[str, int, bytes]]:
    """Everything below `top`: kind, mode, and content or link target; no link is followed."""
    found: dict[bytes, tuple[str, int, bytes]] = {}
    waiting = [os.fsencode(top)]
    while waiting:
        for entry in os.scandir(waiting.pop()):
            name = os.path.relpath(entry.path, os.fsencode(top))
            mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
            if entry.is_symlink():
                found[name] = ("link", 0, os.readlink(entry.path))  # noqa: PTH115 (bytes)
            elif entry.is_dir(follow_symlinks=False):
                found[name] = ("folder", mode, b"")
                waiting.append(entry.path)
            else:
                found[name] = ("file", mode, Path(os.fsdecode(entry.path)).read_bytes())
    return found
