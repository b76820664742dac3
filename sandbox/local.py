"""A plain child process on the host: the contract without isolation.

Only by explicit choice, for the project's own demo and tests. Commands run as the user who started us, see the whole
host and its network, and what they do outside the worktree stays done. What is held: nothing of the harness's
environment enters, output and time are bounded, no process outlives its command, `read`, `write` and copies stay in the
sandbox's own folders. Of the limits, `open_files` and `file_size` always; memory, processes and cpus by a control group
where one can be made. Without one memory is held for each process by RLIMIT_DATA: RLIMIT_AS would count address space
that is only reserved, and so break Go, Java, node and every sanitizer. RLIMIT_NPROC is not used: it counts all that the
user runs, us included. `tmp` is not held.
"""

import errno
import os
import resource
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from sandbox import environment
from sandbox.api import (
    MEBIBYTE,
    NO_ENV,
    ExecResult,
    Image,
    ImageUnavailable,
    Limits,
    Owner,
    SandboxUnavailable,
)
from sandbox.cgroup import Cgroup
from sandbox.hosttree import HostTree, Root
from sandbox.process import Ended, Processes
from sandbox.supervisor import Supervisor

SWEEP = 10.0  # seconds; what cannot be killed in that time is waiting for the kernel
MARK = "SOLVE_COMMAND"  # finds what a command started where there is no supervisor left to know it


class LocalSandbox:
    """`image.ref` is a host folder that holds `tree/` and may hold `venv/`."""

    kind = "local"

    def __init__(self, image: Image, *, limits: Limits = Limits(), owner: Owner = Owner()) -> None:  # noqa: B008 (frozen)
        reference = Path(image.ref)
        if not (reference / "tree").is_dir():
            raise ImageUnavailable(f"no base tree in {reference / 'tree'}: build the image again")
        self._processes = Processes()
        self._files = HostTree(owner, limits)
        try:
            roots = [Root(str(path), path) for path in (self._files.tree, self._files.tmp, self._files.home)]
            self._files.fill(reference / "tree", roots)
        except BaseException:
            self._files.remove()
            raise
        self._cgroup = Cgroup.open(limits)
        if self._cgroup:
            self._cgroup.note(self._files.groups)
        groups = self._cgroup.joins if self._cgroup else []
        self._supervisor = Supervisor(_rlimits(limits, in_group=bool(groups)), groups)
        own = {"PATH": environment.PATH, "HOME": str(self._files.home), "TMPDIR": str(self._files.tmp)}
        given = environment.placed(image.env, self.workdir)
        self._env = environment.inherited() | own | given
        if (reference / "venv" / "bin").is_dir():
            self._env["PATH"] = f"{reference.resolve() / 'venv' / 'bin'}:{self._env['PATH']}"

    @property
    def workdir(self) -> str:
        return str(self._files.tree)

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
        """As the contract says. `attested` changes nothing: what runs as the same user can forge anything."""
        del attested
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        if not argv:
            raise ValueError("an empty command")
        mark = secrets.token_hex(8)
        found = {**self._env, **env, MARK: mark}
        where = str(self._files.tree / cwd)
        ended = self._processes.run(
            lambda *descriptors: self._supervisor.start(argv, where, found, descriptors),
            stdin=stdin,
            timeout=timeout,
            max_output=max_output,
        )
        if not sys.platform.startswith("linux") or not ended.report:
            _sweep(mark)
        return _result(ended, cwd)

    def read(self, path: str, *, max_bytes: int = 16 * MEBIBYTE) -> bytes:
        self._processes.check_open()
        return self._files.read(path, max_bytes)

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        self._processes.check_open()
        self._files.write(path, data, mode)

    def copy_in(self, source: Path, path: str) -> None:
        self._processes.check_open()
        self._files.copy_in(source, path)

    def copy_out(
        self, path: str, target: Path, *, max_bytes: int = 2048 * MEBIBYTE, max_members: int = 500_000
    ) -> None:
        self._processes.check_open()
        self._files.copy_out(path, target, max_bytes, max_members)

    def snapshot(self) -> str:
        self._processes.check_open()
        return self._files.snapshot()

    def reset(self, snapshot: str) -> None:
        self._processes.check_open()
        self._files.reset(snapshot)

    def close(self) -> None:
        if self._processes.close():
            self._supervisor.close()
            if self._cgroup:
                self._cgroup.close()
            self._files.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _rlimits(limits: Limits, *, in_group: bool) -> dict[int, int]:
    values = {
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_CORE: 0,
    }
    if not in_group:
        values[resource.RLIMIT_DATA] = limits.memory
    return values


def _result(ended: Ended, cwd: str) -> ExecResult:
    """The result with the exit code that the supervisor reported."""
    if ended.report.startswith(b"cwd"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), cwd)
    if ended.report.startswith(b"broken"):
        raise SandboxUnavailable(f"the limits of a command cannot be set: {ended.report.decode('utf-8', 'replace')}")
    if ended.result.timed_out or not ended.started:
        return ended.result
    how, _, number = ended.report.partition(b" ")
    if not number:
        raise SandboxUnavailable("the supervisor of a command was killed: how the command ended is not known")
    return replace(ended.result, exit_code=int(number) + (128 if how == b"signal" else 0))


def _sweep(mark: str) -> None:
    """Kill by environment what has no supervisor: it was killed, or this system has no child reapers.

    Until two looks in a row find nothing: a process may fork between being seen and being killed, and shows no
    environment while it is being replaced by another program.
    """
    clean, until = 0, time.monotonic() + SWEEP
    while clean < 2 and time.monotonic() < until:
        clean = 0 if _killed(mark) else clean + 1


def _killed(mark: str) -> int:
    count = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                process.kill()
                count += 1
    return count
