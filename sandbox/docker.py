"""The docker backend: one hardened container per sandbox, commands through shells that stay open in it."""

import os
import posixpath
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sandbox.api import (
    MEBIBYTE,
    NO_ENV,
    ExecResult,
    Image,
    Limits,
    Owner,
    PathRefused,
    SandboxUnavailable,
)
from sandbox.archive import pack, unpack_single
from sandbox.command import NAME, SHORT_INPUT, Command
from sandbox.container import GID, UID, Container, owned, rewrite
from sandbox.crew import Crew
from sandbox.environment import placed
from sandbox.runner import Runner

FILE_TIMEOUT = 600.0  # seconds for moving a tree in or out
HEADERS = 2048  # bytes of tar headers and padding that a member may need
# Exit statuses of the scripts below, and what they mean; else the words of C's strerror() tell.
STATUSES: dict[int, type[OSError]] = {101: FileNotFoundError, 102: IsADirectoryError, 103: PermissionError}
WORDS: dict[bytes, type[OSError]] = {
    b"Permission denied": PermissionError,
    b"Operation not permitted": PermissionError,
    b"Read-only file system": PermissionError,
    b"Not a directory": NotADirectoryError,
    b"File exists": NotADirectoryError,
    b"Is a directory": IsADirectoryError,
    b"No such file": FileNotFoundError,
}

READ = """
[ -e "$1" ] || [ -L "$1" ] || exit 101
[ ! -d "$1" ] || exit 102
[ -f "$1" ] || exit 101
[ -r "$1" ] || exit 103
exec dd if="$1" bs=65536 count="$2" 2>/dev/null
"""
WRITE = """
[ ! -d "$1" ] || exit 102
mkdir -p -- "${1%/*}/" && cat >"$1" && chmod "$2" -- "$1"
"""
COPY_IN = """
mkdir -p -- "$1" && cd -- "$1" && exec tar -xpf -
"""
COPY_OUT = """
[ -e "$1/$2" ] || [ -L "$1/$2" ] || exit 101
cd -- "$1" && exec tar -cf - -- "$2"
"""
EMPTY = """
[ -L "$1" ] && rm -f -- "$1"
[ -d "$1" ] || exit 0
cd -- "$1" && chmod u+rwx . || exit
for entry in * .[!.]* ..?*; do
  [ "$entry" != .git ] || continue
  rm -rf -- "./$entry" 2>/dev/null && continue
  chmod -R u+rwx "./$entry"
  rm -rf -- "./$entry" || exit
done
"""


def _without_git(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Git's own folder at the top is not the worktree's content: what was committed since is not taken back."""
    return None if member.name.split("/")[1:2] == [".git"] else owned(member)


class DockerSandbox:
    """A `Sandbox` in a container of docker or podman. Starts when made.

    What `attested` is worth: the command is the process that the engine started, and its exit status is what the
    kernel told the engine; no output, no file, no channel and no process of an earlier command can change it, for
    those are killed first (unless another `exec` runs at the same time). It is still the status that the command's own
    code chose: a test that calls `os._exit(0)` inside the test runner ends the runner with 0, and a child of the
    command runs as the same user and may trace its parent. And code of an earlier command that took over a shell in
    this sandbox runs until the moment of that kill: a verdict is taken in a fresh sandbox.
    """

    kind = "docker"

    def __init__(self, image: Image, *, limits: Limits = Limits(), owner: Owner = Owner()) -> None:  # noqa: B008 (frozen)
        """
        Raises:
            ImageUnavailable: the engine does not have the image.
            SandboxUnavailable: no engine, or the container does not start.
        """
        self._workdir = image.workdir
        # A POSIX shell drops variables whose names it could not have set: commands get them one by one.
        self._env = {
            name: value
            for name, value in placed(image.env, image.workdir).items()
            if not NAME.fullmatch(os.fsencode(name))
        }
        self._snapshots: dict[str, IO[bytes]] = {}
        self._container = Container(image, limits, owner)
        self._crew = Crew(self._container)
        self._runner = Runner(self._container, self._crew)
        try:
            self._own_workdir()
        except BaseException:
            self.close()
            raise

    @property
    def workdir(self) -> str:
        return self._workdir

    def exec(
        self,
        command: Sequence[str] | str,
        *,
        cwd: str = "",
        env: Mapping[str, str] = NO_ENV,
        stdin: bytes = b"",
        timeout: float = 60.0,
        max_output: int = MEBIBYTE,
        attested: bool = False,
    ) -> ExecResult:
        made = Command.of(command, self._path(cwd), {**self._env, **env}, stdin)
        if attested or len(stdin) > SHORT_INPUT:
            return self._runner.run_alone(made, timeout, max_output, purge=attested)
        return self._runner.run(made, timeout, max_output)

    def read(self, path: str, *, max_bytes: int = 16 * MEBIBYTE) -> bytes:
        blocks = max_bytes // 65536 + 1
        done = self._script(READ, self._path(path), str(blocks), limit=max_bytes)
        if done.truncated:
            raise PathRefused(f"{path} is larger than {max_bytes} bytes")
        return done.stdout

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        self._script(WRITE, self._path(path), f"{mode:o}", stdin=data)

    def copy_in(self, source: Path, path: str) -> None:
        folder, name = posixpath.split(self._path(path))
        with tempfile.TemporaryFile() as spool:
            pack(source, spool, name=name, uid=UID, gid=GID)
            spool.seek(0)
            self._script(COPY_IN, folder, source=spool)

    def copy_out(
        self, path: str, target: Path, *, max_bytes: int = 2048 * MEBIBYTE, max_members: int = 500_000
    ) -> None:
        with tempfile.TemporaryFile() as spool:
            limit = max_bytes + max_members * HEADERS
            done = self._script(COPY_OUT, *posixpath.split(self._path(path)), limit=limit, sink=spool)
            if done.truncated:
                raise PathRefused(f"{path} holds more than {max_bytes} bytes")
            spool.seek(0)
            unpack_single(spool, target, max_bytes=max_bytes, max_members=max_members)

    def snapshot(self) -> str:
        self._crew.check_open()
        name = f"snapshot-{len(self._snapshots) + 1}"
        kept = self._snapshots[name] = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the sandbox is)
        with self._container.fetch(self._workdir) as whole:
            rewrite(whole, kept, _without_git)
        return name

    def reset(self, snapshot: str) -> None:
        self._crew.check_open()
        archive = self._snapshots[snapshot]
        self._script(EMPTY, self._workdir)
        archive.seek(0)
        self._container.store(posixpath.dirname(self._workdir), archive)

    def close(self) -> None:
        self._crew.close()
        self._container.remove()
        for archive in self._snapshots.values():
            archive.close()
        self._snapshots.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _path(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._workdir, path))

    def _own_workdir(self) -> None:
        owner = self._script('ls -dn -- "$1"', self._workdir).stdout.split()[2:4]
        if owner != [str(UID).encode(), str(GID).encode()]:
            self._container.own(self._workdir, posixpath.dirname(self._workdir))

    def _script(
        self,
        script: str,
        *words: str,
        stdin: bytes = b"",
        limit: int = MEBIBYTE,
        source: IO[bytes] | None = None,
        sink: IO[bytes] | None = None,
    ) -> ExecResult:
        """Run a script of ours on paths inside, as the sandbox's user; a failure is the error of the path."""
        argv = ("/bin/sh", "-c", script, "sh", *words)
        command = Command.of(argv, "/", {"LC_ALL": "C"}, stdin)
        if source or sink or len(stdin) > SHORT_INPUT:
            done = self._runner.run_alone(command, FILE_TIMEOUT, limit, source=source, sink=sink)
        else:
            done = self._runner.run(command, FILE_TIMEOUT, limit)
        if done.timed_out:
            raise SandboxUnavailable(f"{words[0]}: not done after {FILE_TIMEOUT:.0f} s")
        if done.exit_code == 0:
            return done
        said = done.stderr.decode("utf-8", "replace").strip()
        kinds = (kind for text, kind in WORDS.items() if text in done.stderr)
        raise STATUSES.get(done.exit_code, next(kinds, OSError))(f"{words[0]}: {said or 'no such file in the sandbox'}")
