"""What a repository holds at a commit or in its worktree: paths and blob ids, and the bytes behind them.

Nothing of the repository is run: git has hooks, filters, monitors and the person's settings off, and files of a
worktree are read and hashed here. GitPython takes as long to import as a whole query may last, so the two commands
needed are called directly, with the settings of `sandbox.git`.
"""

import hashlib
import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Protocol, Self

from sandbox.api import MEBIBYTE, BadInput
from sandbox.git import ENVIRONMENT, INHERITED, SETTINGS

LARGEST = MEBIBYTE  # bytes of one file to index; a larger one is data
Read = Callable[[str], bytes]  # the bytes of a path; b"" if it is not there
READ_LIMIT = 64 * MEBIBYTE  # no file of a worktree is read beyond this
SETTLED = 2_000_000_000  # nanoseconds: a file may change again within one tick of its clock and look the same
AT_ONCE = 256  # blobs asked of git before its answers are read: few enough that no pipe fills


class Entry(NamedTuple):
    """One path. `kind` is git's file type: "100" file, "120" link, "160" submodule; `size` in bytes, -1 unknown."""

    path: str
    blob: str
    kind: str
    size: int


class Tree(Protocol):
    """The files of a repository in one state. Use as a context manager."""

    @property
    def entries(self) -> Sequence[Entry]: ...

    def read(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        """The bytes of each entry, in order. What is gone since (a partial clone, an edit) is left out."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Seen(NamedTuple):
    """What a file of a worktree was when it was last hashed. Whoever changes a file changes one of the first four."""

    size: int
    modified: int  # nanoseconds
    changed: int
    inode: int
    blob: str


def open_tree(repo: Path, revision: str = "", seen: Mapping[str, Seen] | None = None) -> Tree:
    """The tree at a revision; without one, the worktree, or HEAD where there is none. `seen` spares a worktree to hash
    again what has not changed since.

    Raises BadInput: no such folder or revision.
    """
    if not repo.is_dir():
        raise BadInput(f"{repo} is not a folder: give the root of a repository")
    inside = _worktree(repo)
    if revision or inside is False:
        return CommitTree(repo, revision or "HEAD")
    return Worktree(repo, tracked=bool(inside), seen=seen or {})


def reader(tree: Tree) -> Read:
    """The bytes of a path; b"" for what is not there or cannot be read any more."""
    entries = {entry.path: entry for entry in tree.entries}

    def read(path: str) -> bytes:
        return next((data for _, data in tree.read([entries[path]])), b"") if path in entries else b""

    return read


def unchanged(root: Path, blobs: Mapping[str, str]) -> Read:
    """The bytes of a path below `root` if they are still those of its blob, else b"": no link leads to other bytes."""

    def read(path: str) -> bytes:
        data = read_regular(root / path) if path in blobs else None
        return data if data is not None and blob_id(data) == blobs[path] else b""

    return read


class CommitTree:
    """The tree of a commit, read by one long `git cat-file --batch`."""

    def __init__(self, repo: Path, revision: str) -> None:
        self._repo = repo
        self._batch: subprocess.Popen[bytes] | None = None
        try:
            listed = git(repo, "ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", revision)
        except BadInput as unknown:
            raise BadInput(f"{repo} has no commit {revision!r}: fetch it, or name another ({unknown})") from unknown
        self.entries = [_entry(line) for line in listed.split(b"\0") if line]

    def read(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        if self._batch is None:
            self._batch = subprocess.Popen(
                _argv(self._repo, "cat-file", "--batch", "--buffer"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
        source, answers = self._batch.stdin, self._batch.stdout
        assert source
        assert answers
        for start in range(0, len(entries), AT_ONCE):
            part = entries[start : start + AT_ONCE]
            source.write("".join(f"{entry.blob}\n" for entry in part).encode() + b"\n")
            source.flush()
            for entry in part:
                if (data := _answer(answers)) is not None:
                    yield entry, data
            _answer(answers)  # to the empty line; git flushes its buffer once it waits for more

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._batch is not None:
            self._batch.kill()
            self._batch.communicate()


class Worktree:
    """Files as they lie in a folder now; of a git worktree, what is tracked and what is neither tracked nor ignored."""

    def __init__(self, root: Path, *, tracked: bool, seen: Mapping[str, Seen]) -> None:
        self._root = os.path.abspath(root)  # noqa: PTH100 - text, because it is joined 100,000 times
        self._before = seen
        self._settled = time.time_ns() - SETTLED
        self.seen: dict[str, Seen] = {}
        if tracked:
            listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
            paths = [os.fsdecode(path) for path in listed.split(b"\0") if path]
        else:
            paths = sorted(_walk(root))
        self.entries = [entry for path in paths if (entry := self._entry(path))]

    def read(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        for entry in entries:
            if (data := read_regular(f"{self._root}/{entry.path}")) is not None and blob_id(data) == entry.blob:
                yield entry, data

    def _entry(self, path: str) -> Entry | None:
        try:
            found = os.lstat(f"{self._root}/{path}")
        except OSError:  # tracked, but deleted
            return None
        if not stat.S_ISREG(found.st_mode):
            if stat.S_ISLNK(found.st_mode):
                return Entry(path, "", "120", found.st_size)
            return Entry(path, "", "160", -1) if stat.S_ISDIR(found.st_mode) else None
        now = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        before = self._before.get(path)
        if before is None or before[:4] != now:
            if (data := read_regular(f"{self._root}/{path}")) is None:
                return None
            before = Seen(*now, blob_id(data))
        if max(before.modified, before.changed) < self._settled:
            self.seen[path] = before
        return Entry(path, before.blob, "100", before.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def read_regular(path: Path | str) -> bytes | None:
    """At most READ_LIMIT bytes of an ordinary file; None for anything else, which may be a trap."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(READ_LIMIT) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def blob_id(data: bytes) -> str:
    """The name git gives these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def git(repo: Path, *arguments: str, timeout: float = 120.0) -> bytes:
    """Standard output of one git command that only reads. Raises BadInput with git's own last line."""
    try:
        done = subprocess.run(
            _argv(repo, *arguments), capture_output=True, env=environment(), timeout=timeout, check=False
        )
    except FileNotFoundError as missing:
        raise BadInput("git was not found on PATH: install it") from missing
    except subprocess.TimeoutExpired as late:
        raise BadInput(f"git {arguments[0]} in {repo} took more than {timeout:.0f} s") from late
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise BadInput(f"git {arguments[0]} in {repo}: {why[-1]}")
    return done.stdout


def environment() -> dict[str, str]:
    given = {name: os.environ[name] for name in INHERITED & os.environ.keys()}
    given |= {**ENVIRONMENT, "GIT_NO_LAZY_FETCH": "1", "GIT_CONFIG_COUNT": str(len(SETTINGS))}
    for number, (key, value) in enumerate(SETTINGS.items()):
        given |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return given


def _argv(repo: Path, *arguments: str) -> list[str]:
    return ["git", "-C", str(repo), *arguments]


def _worktree(repo: Path) -> bool | None:
    """Whether a git worktree is there, or a bare repository; None: neither."""
    try:
        return git(repo, "rev-parse", "--is-inside-work-tree").strip() == b"true"
    except BadInput:
        return None


def _entry(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, _, blob, size = head.split()
    # "-": a submodule; "BAD": an object that a partial clone does not have
    return Entry(os.fsdecode(path), blob.decode(), mode[:3].decode(), int(size) if size.isdigit() else -1)


def _answer(answers: IO[bytes]) -> bytes | None:
    """One answer of `cat-file --batch`: `ID blob SIZE`, the bytes, a newline; or `ID missing`."""
    head = answers.readline().split()
    if len(head) != 3 or head[1] != b"blob":
        return None
    data = answers.read(int(head[2]))
    answers.read(1)
    return data


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118 - 100,000 times
