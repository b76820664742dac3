"""The sandbox contract: what every backend promises, on one screen.

A sandbox is a machine with one worktree in it. Code of the repository, of the issue and of a model runs here
and nowhere else. What goes wrong is told apart by whose fault it is:

* the command's fault (non-zero exit, missing executable, time-out, too much output) is an ordinary `ExecResult`;
* everything else is an exception of this tree, each also the builtin that fits:

    SandboxError
    ├── SandboxUnavailable (ConnectionError)   the machine or its engine is gone: never a verdict on a patch
    ├── NetworkUnavailable (ConnectionError)   a git host, forge or registry cannot be reached
    ├── SandboxClosed      (RuntimeError)      used after `close()`: a bug of the harness
    ├── PathRefused        (ValueError)        a path or archive member that would leave the sandbox, or is too much
    ├── ImageUnavailable   (LookupError)       the image is missing and cannot be had
    └── BuildFailed        (RuntimeError)      a build step failed; carries the step and its last lines

`BadInput` stands outside the tree: what a person gave cannot be used, and the message is one line that says what is
wrong and how to mend it (exit status 2 at the door).

A missing file is `FileNotFoundError`, a directory read as a file `IsADirectoryError`, as everywhere in Python.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

from sandbox.telling import telling

MEBIBYTE = 1 << 20
NO_ENV: Mapping[str, str] = MappingProxyType({})


class BadInput(ValueError):
    """What a person gave cannot be used. One line: what is wrong, how to mend it."""


class SandboxError(Exception):
    """Anything the sandbox room raises on its own account."""


class SandboxUnavailable(SandboxError, ConnectionError):
    """The machine or its engine is gone, or never came up."""


class NetworkUnavailable(SandboxError, ConnectionError):
    """A git host, forge or registry cannot be reached, or does not answer in time."""


class SandboxClosed(SandboxError, RuntimeError):
    """The sandbox was used after it was closed."""


class PathRefused(SandboxError, ValueError):
    """A path or an archive member would leave the sandbox, or passes a size or count limit."""


class ImageUnavailable(SandboxError, LookupError):
    """The image is not here and cannot be had; the message says what to do."""


class BuildFailed(SandboxError, RuntimeError):
    """A build step failed: `step` names it, `tail` holds the last lines it printed, `log` more of them."""

    def __init__(self, step: str, tail: str, log: str = "") -> None:
        more = f"\n{tail}" if "\n" in tail.strip() else ""
        super().__init__(f"the environment cannot be built, `{step}` failed: {telling(tail)}{more}")
        self.step = step
        self.tail = tail
        self.log = log or tail


@dataclass(frozen=True, slots=True)
class Limits:
    """What one sandbox may use. A backend that cannot hold a limit says so in `solve doctor`, not silently."""

    cpus: float = 2.0
    memory: int = 4096 * MEBIBYTE  # bytes; swap is never added
    processes: int = 512
    open_files: int = 4096
    file_size: int = 2048 * MEBIBYTE  # bytes, one file
    tmp: int = 1024 * MEBIBYTE  # bytes in /tmp
    lifetime: float = 4 * 3600.0  # seconds, after which the janitor may remove it


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a sandbox belongs to; kept in its labels so that the janitor knows it by label and never by name."""

    run: str = "adhoc"
    task: str = "adhoc"


@dataclass(frozen=True, slots=True)
class Image:
    """What a sandbox starts from: a system, the dependencies, and the base tree at `workdir`."""

    kind: str  # which backend can open it: docker, bubblewrap, local, fake
    ref: str  # docker: image id; bubblewrap and local: a host folder that holds `tree/` and `venv/`
    workdir: str  # absolute path inside, where the worktree stands; local: ignored
    env: Mapping[str, str] = field(default_factory=dict)  # set for every command


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command did. Output is bytes: commands print what they like."""

    exit_code: int  # 128+n where signal n ended it; 127 not found; 126 not executable; 124 timed out
    stdout: bytes
    stderr: bytes
    seconds: float
    timed_out: bool = False
    truncated: bool = False  # a stream passed `max_output`: its first bytes are here, the rest was drained and dropped

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    def text(self) -> str:
        """Standard output, then standard error, decoded with replacement characters."""
        return (self.stdout + self.stderr).decode("utf-8", "replace")


class Sandbox(Protocol):
    """A machine with one worktree in it. Use as a context manager: leaving it removes it and all that ran in it."""

    @property
    def kind(self) -> str: ...

    @property
    def workdir(self) -> str:
        """Absolute path of the worktree, as commands see it. Relative paths below are relative to it."""
        ...

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
        """Run an argv, or a string by `/bin/sh -c`, as the sandbox's ordinary user, and wait for it.

        When it returns nothing that the command started is left running, whatever it forked or detached.
        `timeout` in seconds; `max_output` in bytes for each stream. The environment is the image's plus `env`;
        nothing of the harness's own environment but LANG, LC_ALL and TZ enters.
        With `attested` the exit status comes from the engine and cannot be forged by code inside: verdicts and
        grades ask for it; agents' tools take the fast channel.

        Raises:
            SandboxUnavailable: the machine is gone, or went while the command ran.
            SandboxClosed: `close()` was called before.
            FileNotFoundError: `cwd` does not exist.
        """
        ...

    def read(self, path: str, *, max_bytes: int = 16 * MEBIBYTE) -> bytes:
        """The bytes of one file.

        Raises:
            FileNotFoundError, IsADirectoryError, PermissionError: as for `open`.
            PathRefused: larger than `max_bytes`, or a link out of the sandbox.
        """
        ...

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Create or replace one file, with missing parent folders. Raises as `read`."""
        ...

    def copy_in(self, source: Path, path: str) -> None:
        """Copy a host file or folder to `path` inside (links as links, executable bits kept). Raises as `read`."""
        ...

    def copy_out(
        self, path: str, target: Path, *, max_bytes: int = 2048 * MEBIBYTE, max_members: int = 500_000
    ) -> None:
        """Copy a file or folder from inside to the host path `target`, which must not exist yet.

        Its content is hostile: member names never leave `target`, links are made last and never followed, devices
        and sockets are left out.

        Raises:
            FileNotFoundError: `path` does not exist.
            PathRefused: a member would leave `target`, or a limit is passed; `target` is then removed.
        """
        ...

    def snapshot(self) -> str:
        """Remember the worktree as it stands, on the host; returns a name for `reset`."""
        ...

    def reset(self, snapshot: str) -> None:
        """Put the worktree back: content, modes, links; what came since is removed. Raises KeyError if unknown."""
        ...

    def close(self) -> None:
        """End everything inside and remove the sandbox. Twice is fine; never raises for a machine already gone."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
