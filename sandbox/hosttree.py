"""The files of a sandbox whose worktree stands on the host: what `local` and `bubblewrap` have in common.

Code in the sandbox may change the tree at any instant, and may have put links anywhere. So a path is resolved here
component by component, with links read by us and kept inside the sandbox's own folders, and every open refuses to
follow one: a link that is swapped in between makes the call fail, and never reads or writes the host.
"""

import errno
import json
import os
import secrets
import stat
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox import cgroup
from sandbox.api import MEBIBYTE, Limits, Owner, PathRefused
from sandbox.archive import pack, unpack, unpack_single
from sandbox.labels import Labels
from sandbox.tree import copy_tree, enter, remove_tree

MAX_LINKS = 40  # as the kernel has it
SNAPSHOT_BYTES = 2048 * MEBIBYTE
SNAPSHOT_MEMBERS = 500_000
PREFIX = "solve-"  # only narrows the search: whose a folder is, is known by the label in it
LABEL = "labels.json"
GROUPS = "groups"  # the control groups of the sandbox, if it has any
GIT = b".git"  # not part of a snapshot: what an agent commits or loses in there is its own affair


@dataclass(frozen=True, slots=True)
class Root:
    """A host folder, and the absolute path at which commands see it."""

    inside: str
    host: Path
    writable: bool = True

    @property
    def parts(self) -> tuple[bytes, ...]:
        return _parts(os.fsencode(self.inside))


class HostTree:
    """A private folder on the host with a copy of the worktree, a `tmp` and a `home`, until `remove`."""

    def __init__(self, owner: Owner, limits: Limits) -> None:
        self.base = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        (self.base / LABEL).write_text(json.dumps(Labels.mine(owner, limits).text()))
        self.tree, self.tmp, self.home, self.groups = (self.base / name for name in ("tree", "tmp", "home", GROUPS))
        self._roots: Sequence[Root] = ()

    def fill(self, source: Path, roots: Sequence[Root]) -> None:
        """Copy the base tree in; `roots` says where commands will see the folders, the worktree first."""
        self._roots = roots
        (self.base / "snapshots").mkdir()
        self.tmp.mkdir()
        self.home.mkdir()
        base = os.open(self.base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            copy_tree(source.resolve(strict=True), base, b"tree")
        finally:
            os.close(base)

    def remove(self) -> None:
        remove_tree(self.base)

    def read(self, path: str, max_bytes: int) -> bytes:
        with self._open_parent(path) as (parent, name), _refusing(path):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a fifo must not hold us
            with os.fdopen(os.open(name, flags, dir_fd=parent), "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise PathRefused(f"{path} is no ordinary file")
                if found.st_size > max_bytes:
                    raise PathRefused(f"{path} is larger than {max_bytes} bytes")
                return file.read(found.st_size)

    def write(self, path: str, data: bytes, mode: int) -> None:
        with self._open_parent(path, make=True) as (parent, name), _refusing(path):
            draft = os.fsencode(f".{secrets.token_hex(8)}.part")  # replaced at once: no reader sees half a file
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(draft, flags, 0o600, dir_fd=parent), "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), mode & 0o777)
            try:
                os.replace(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
            except OSError:
                os.unlink(draft, dir_fd=parent)
                raise

    def copy_in(self, source: Path, path: str) -> None:
        with self._open_parent(path, make=True) as (parent, name), _refusing(path):
            copy_tree(source, parent, name)

    def copy_out(self, path: str, target: Path, max_bytes: int, max_members: int) -> None:
        with self._open_parent(path, follow=False) as (parent, name), tempfile.TemporaryFile() as stream:
            with _refusing(path):
                pack(
                    Path(os.fsdecode(name)),
                    stream,
                    name="content",
                    dir_fd=parent,
                    max_bytes=max_bytes,
                    max_members=max_members,
                )
            stream.seek(0)
            unpack_single(stream, target, max_bytes=max_bytes, max_members=max_members)

    def snapshot(self) -> str:
        name = secrets.token_hex(8)
        with (self.base / "snapshots" / name).open("wb") as stream:
            pack(
                self.tree,
                stream,
                name=".",
                skip=frozenset({GIT}),
                max_bytes=SNAPSHOT_BYTES,
                max_members=SNAPSHOT_MEMBERS,
            )
        return name

    def reset(self, snapshot: str) -> None:
        """Unpack beside the tree, then change places: nothing in the old tree can redirect what is written."""
        if snapshot not in {path.name for path in (self.base / "snapshots").iterdir()}:
            raise KeyError(snapshot)
        fresh, old = self.base / "fresh", self.base / "old"
        with (self.base / "snapshots" / snapshot).open("rb") as stream:
            unpack(stream, fresh, max_bytes=SNAPSHOT_BYTES, max_members=SNAPSHOT_MEMBERS)
        mode = stat.S_IMODE(fresh.stat().st_mode)
        for folder in (fresh, self.tree):  # an ordinary user moves nothing out of or into a folder it cannot write
            folder.chmod(0o700)
        with suppress(FileNotFoundError):
            (self.tree / ".git").rename(fresh / ".git")
        fresh.chmod(mode)
        self.tree.rename(old)
        fresh.rename(self.tree)
        remove_tree(old)

    @contextmanager
    def _open_parent(self, path: str, *, follow: bool = True, make: bool = False) -> Iterator[tuple[int, bytes]]:
        """The open folder that holds `path`, and the name in it; with `make`, missing folders above are made."""
        root, parts = self._resolve(path, follow, make)
        if make and not root.writable:
            raise PermissionError(errno.EROFS, os.strerror(errno.EROFS), path)
        with _folder(root, parts[:-1]) as parent:
            yield parent, parts[-1] if parts else b"."

    def _resolve(self, path: str, follow: bool, make: bool) -> tuple[Root, tuple[bytes, ...]]:
        """The root that holds `path`, and the components below it, none of them a link (but the last, if not `follow`).

        Raises:
            PathRefused: outside every root, or through a link that leads there.
        """
        raw = os.fsencode(path)
        if b"\0" in raw or not path:
            raise PathRefused(f"no path: {path!r}")
        waiting = deque(_parts(raw) if raw.startswith(b"/") else self._roots[0].parts + _parts(raw))
        place: tuple[bytes, ...] = ()
        links = 0
        while waiting:
            part = waiting.popleft()
            if part == b"..":
                place = place[:-1]
                continue
            place = (*place, part)
            target = self._link(place, make and bool(waiting)) if waiting or follow else None
            if target is not None:
                links += 1
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                place = () if target.startswith(b"/") else place[:-1]
                waiting.extendleft(reversed(_parts(target)))
        root = self._root_of(place)
        if root is None:
            raise PathRefused(f"{path} is, or leads, outside the sandbox's folders")
        return root, place[len(root.parts) :]

    def _link(self, place: tuple[bytes, ...], make: bool) -> bytes | None:
        """Where the link at `place` points; None for what is no link, or above the roots."""
        root = self._root_of(place)
        below = place[len(root.parts) :] if root else ()
        if root is None or not below:
            return None
        with _folder(root, below[:-1]) as parent:
            try:
                if stat.S_ISLNK(os.stat(below[-1], dir_fd=parent, follow_symlinks=False).st_mode):
                    return os.readlink(below[-1], dir_fd=parent)
            except FileNotFoundError:
                if make and root.writable:
                    os.mkdir(below[-1], 0o755, dir_fd=parent)
        return None

    def _root_of(self, place: tuple[bytes, ...]) -> Root | None:
        holding = [root for root in self._roots if place[: len(root.parts)] == root.parts]
        return max(holding, key=lambda root: len(root.parts), default=None)


def remove_left_over() -> list[Path]:
    """Remove the folders of sandboxes whose owner died, or whose lifetime is over; returns which."""
    removed = []
    for label in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LABEL}"):
        try:
            labels = Labels.parse(json.loads(label.read_text()))
        except (OSError, ValueError, AttributeError, TypeError):
            continue
        if labels and not labels.is_mine() and (labels.orphaned() or labels.expires < time.time()):
            cgroup.remove_noted(label.with_name(GROUPS))
            remove_tree(label.parent)
            removed.append(label.parent)
    return removed


@contextmanager
def _folder(root: Root, parts: tuple[bytes, ...]) -> Iterator[int]:
    """A descriptor of the folder `parts` below `root`, reached without following a link."""
    top = os.open(root.host, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        folder = enter(top, (b".", *parts))
    finally:
        os.close(top)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _refusing(path: str) -> Iterator[None]:
    """A link that appeared after the path was resolved is one that leads out, as far as we can know."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PathRefused(f"{path} became a link") from error
        raise


def _parts(path: bytes) -> tuple[bytes, ...]:
    return tuple(part for part in path.split(b"/") if part not in (b"", b"."))
