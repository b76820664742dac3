"""A scripted double: commands get the results that a test wrote down, files are in memory, nothing is run."""

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from sandbox.api import MEBIBYTE, NO_ENV, ExecResult, PathRefused, SandboxClosed, SandboxError

NO_FILES: Mapping[str, bytes] = MappingProxyType({})


class ScriptError(AssertionError):
    """A command that the script does not foresee; the message names it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command that has to come, and what it does."""

    command: str | re.Pattern[str]  # as a person would type it; a pattern is searched in that
    result: ExecResult | SandboxError  # returned, or raised
    files: Mapping[str, bytes] = field(default_factory=dict)  # what it writes


@dataclass(frozen=True, slots=True)
class Call:
    """One command that came."""

    command: str
    cwd: str
    env: Mapping[str, str]
    stdin: bytes
    timeout: float
    attested: bool


def done(stdout: bytes = b"", *, exit_code: int = 0, stderr: bytes = b"", seconds: float = 0.0) -> ExecResult:
    """An ordinary result, for scripts."""
    return ExecResult(exit_code, stdout, stderr, seconds)


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    mode: int


class FakeSandbox:
    """Plays `script` in its order. `calls` is what came, `left` what did not."""

    kind = "fake"

    def __init__(
        self, script: Sequence[Step] = (), *, files: Mapping[str, bytes] = NO_FILES, workdir: str = "/work"
    ) -> None:
        self.calls: list[Call] = []
        self.left = list(script)
        self.closed = False
        self._workdir = workdir
        self._files = {self._path(path): _File(data, 0o644) for path, data in files.items()}
        self._snapshots: dict[str, dict[str, _File]] = {}

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
        """The result of the next step, with its output cut to `max_output`.

        Raises:
            ScriptError: the script has run out, or foresees another command.
        """
        self._check_open()
        typed = command if isinstance(command, str) else shlex.join(command)
        if not self.left:
            raise ScriptError(f"the script has run out, and this command comes: {typed}")
        step = self.left[0]
        if not _matches(step.command, typed):
            raise ScriptError(f"the script foresees {step.command!r}, and this command comes: {typed}")
        self.left.pop(0)
        self.calls.append(Call(typed, cwd, dict(env), stdin, timeout, attested))
        for path, data in step.files.items():
            self.write(path, data)
        if isinstance(step.result, SandboxError):
            raise step.result
        return _cut(step.result, max_output)

    def read(self, path: str, *, max_bytes: int = 16 * MEBIBYTE) -> bytes:
        self._check_open()
        place = self._path(path)
        if self._below(place):
            raise IsADirectoryError(path)
        if place not in self._files:
            raise FileNotFoundError(path)
        data = self._files[place].data
        if len(data) > max_bytes:
            raise PathRefused(f"{path} is larger than {max_bytes} bytes")
        return data

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        self._check_open()
        place = self._path(path)
        if self._below(place):
            raise IsADirectoryError(path)
        if any(place.startswith(f"{other}/") for other in self._files):
            raise NotADirectoryError(path)
        self._files[place] = _File(bytes(data), mode)

    def copy_in(self, source: Path, path: str) -> None:
        """Files and folders; a link is refused, because none can be played here."""
        if source.is_symlink():
            raise PathRefused(f"{source} is a link")
        if source.is_dir():
            for entry in source.iterdir():
                self.copy_in(entry, posixpath.join(path, entry.name))
        else:
            self.write(path, source.read_bytes(), mode=source.stat().st_mode & 0o777)

    def copy_out(
        self, path: str, target: Path, *, max_bytes: int = 2048 * MEBIBYTE, max_members: int = 500_000
    ) -> None:
        self._check_open()
        place = self._path(path)
        found = {name: file for name, file in self._files.items() if name == place or name in self._below(place)}
        if not found:
            raise FileNotFoundError(path)
        if sum(len(file.data) for file in found.values()) > max_bytes or len(found) > max_members:
            raise PathRefused(f"{path} holds more than was asked for")
        if target.exists():
            raise FileExistsError(target)
        for name, file in found.items():
            inside = target / posixpath.relpath(name, place) if name != place else target
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.write_bytes(file.data)
            inside.chmod(file.mode)

    def snapshot(self) -> str:
        self._check_open()
        name = f"snapshot-{len(self._snapshots)}"
        self._snapshots[name] = self._tree()
        return name

    def reset(self, snapshot: str) -> None:
        self._check_open()
        kept = self._snapshots[snapshot]
        for name in self._tree():
            del self._files[name]
        self._files.update(kept)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self.closed:
            raise SandboxClosed("this sandbox is closed")

    def _path(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._workdir, path))

    def _below(self, place: str) -> set[str]:
        return {name for name in self._files if name.startswith(f"{place.rstrip('/')}/")}

    def _tree(self) -> dict[str, _File]:
        """The worktree without its `.git`, which no reset touches."""
        git = self._below(self._path(".git"))
        return {name: self._files[name] for name in self._below(self._workdir) - git}


def _matches(expected: str | re.Pattern[str], typed: str) -> bool:
    return typed == expected if isinstance(expected, str) else expected.search(typed) is not None


def _cut(result: ExecResult, limit: int) -> ExecResult:
    if max(len(result.stdout), len(result.stderr)) <= limit:
        return result
    return replace(result, stdout=result.stdout[:limit], stderr=result.stderr[:limit], truncated=True)
