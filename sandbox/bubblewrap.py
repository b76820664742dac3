"""Linux namespaces without an engine: the contract by `bwrap`, one of it for each command.

A command sees a read-only system (the host's /usr, and little of /etc), the image's `venv` and its interpreter
read-only at their own paths, and three folders that are its sandbox's own and outlive it: the worktree, /tmp and its
home. Everything else of the host is not there. All namespaces are its own: no network but an empty loopback, no process
of anybody else's. It runs as uid 1000 without capabilities, can gain none and make no user namespace, /proc is
read-only, and a filter of system calls keeps it out of process 1. When its first process ends, process 1 ends, and the
kernel kills whatever is left.

What is held: `open_files` and `file_size` by rlimits. `memory`, `processes` and `cpus` by a control group where one can
be made (as root, or in a delegated group). Elsewhere `memory` for each process (RLIMIT_DATA), `processes` by
RLIMIT_NPROC, which counts the sandbox's own alone since Linux 5.14, and `cpus` not. `tmp` is not held: /tmp is a folder
on the host's disk.

`attested` changes nothing, because nothing has to be: every exit status is what process 1, out of the command's reach,
got from the kernel.
"""

import errno
import os
import posixpath
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox import bwrap, environment, seccomp
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
from sandbox.process import Ended, Launched, Processes

EXIT = re.compile(rb'"exit-code": (\d+)')
# Sets rlimits, joins the control group, becomes bwrap: all before there is anything hostile.
ENTER = """
ulimit -c 0
ulimit -n "$1" 2>/dev/null
ulimit -f "$2" 2>/dev/null
[ "$3" = - ] || ulimit -d "$3" 2>/dev/null
shift 3
while [ "$1" != -- ]; do echo 0 >"$1" || exit; shift; done
shift
exec "$@"
"""


class BubblewrapSandbox:
    """`image.ref` is a host folder that holds `tree/` and may hold `venv/`; the tree stands at `image.workdir`."""

    kind = "bubblewrap"

    def __init__(self, image: Image, *, limits: Limits = Limits(), owner: Owner = Owner()) -> None:  # noqa: B008 (frozen)
        """
        Raises:
            ImageUnavailable: `image.ref` does not hold what it should.
            SandboxUnavailable: bwrap is missing, or this host forbids it; the message says what mends it.
        """
        reference = Path(image.ref).absolute()
        if not (reference / "tree").is_dir():
            raise ImageUnavailable(f"no base tree in {reference / 'tree'}: build the image again")
        venv = reference / "venv"
        self._start = [*bwrap.program()]
        self._workdir = posixpath.normpath(image.workdir)
        path = f"{venv / 'bin'}:{environment.PATH}" if venv.is_dir() else environment.PATH
        own = {"PATH": path, "HOME": bwrap.HOME, "TMPDIR": "/tmp", "USER": "solve"}  # noqa: S108 (inside)
        self._env = environment.inherited() | own | environment.placed(image.env, self._workdir)
        self._limits = limits
        self._processes = Processes()
        self._files = HostTree(owner, limits)
        self._cgroup = Cgroup.open(limits)
        if self._cgroup:
            self._cgroup.note(self._files.groups)
        try:
            self._fill(reference, venv)
            self._probe()
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
        del attested  # every exit status is
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        if not argv:
            raise ValueError("an empty command")
        where = posixpath.normpath(posixpath.join(self._workdir, cwd))
        ended = self._run(argv, where, {**self._env, **env}, stdin, timeout, max_output)
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
            if self._cgroup:
                self._cgroup.close()
            self._files.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fill(self, reference: Path, venv: Path) -> None:
        roots = [
            Root(self._workdir, self._files.tree),
            Root("/tmp", self._files.tmp),  # noqa: S108 (inside)
            Root(bwrap.HOME, self._files.home),
            *([Root(str(venv), venv, writable=False)] if venv.is_dir() else []),
        ]
        self._files.fill(reference / "tree", roots)
        etc = self._files.base / "etc"
        bwrap.write_files(etc)
        self._start += bwrap.system(etc)
        for root in roots[:3]:
            self._start += ["--bind", str(root.host), root.inside]
        self._start += bwrap.interpreter(venv)  # after /tmp, which would hide an environment that stands below it
        self._start += ["--remount-ro", "/"]

    def _probe(self) -> None:
        ended = self._run(["/bin/true"], self._workdir, self._env, b"", 30.0, MEBIBYTE)
        if ended.code != 0:
            raise SandboxUnavailable(bwrap.unusable(ended.result.text()))

    def _run(
        self, argv: Sequence[str], cwd: str, env: Mapping[str, str], stdin: bytes, timeout: float, max_output: int
    ) -> Ended:
        options = ["--chdir", cwd]
        for name, value in env.items():
            options += ["--setenv", name, value]

        def launch(stdin: int, stdout: int, stderr: int, report: int) -> Launched:
            with _filter() as filters:
                passed = [argument for number in filters for argument in ("--seccomp", str(number))]
                process = subprocess.Popen(
                    [
                        *(*self._enter(), "--", *self._start, "--json-status-fd", str(report), *passed, *options),
                        *("--", *self._inner(), *argv),
                    ],
                    env={"PATH": environment.PATH},
                    cwd="/",
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,  # the terminal's Ctrl-C is for us
                    pass_fds=[report, *filters],
                )
            return Launched(process.kill, process.wait)

        return self._processes.run(launch, stdin=stdin, timeout=timeout, max_output=max_output)

    def _enter(self) -> list[str]:
        limits = self._limits
        data = "-" if self._cgroup else str(limits.memory // 1024)
        rlimits = [str(limits.open_files), str(limits.file_size // 512), data]
        return ["/bin/sh", "-c", ENTER, "sh", *rlimits, *(self._cgroup.joins if self._cgroup else [])]

    def _inner(self) -> list[str]:
        """RLIMIT_NPROC counts the sandbox's own processes alone only where it is set inside."""
        if self._cgroup or not Path("/usr/bin/prlimit").exists():
            return []
        return ["/usr/bin/prlimit", f"--nproc={self._limits.processes}", "--"]


@contextmanager
def _filter() -> Iterator[tuple[int, ...]]:
    """The descriptors of the system call filter, to be read by one bwrap."""
    code = seccomp.program()
    if code is None:
        yield ()
        return
    with os.fdopen(os.memfd_create("seccomp"), "wb", buffering=0) as file:
        file.write(code)
        file.seek(0)
        yield (file.fileno(),)


def _result(ended: Ended, cwd: str) -> ExecResult:
    """The command's own result. Where bwrap reports no exit status, there was no command: it said why, itself."""
    result = ended.result
    if result.timed_out or not ended.started:
        return result
    if found := EXIT.search(ended.report):
        return replace(result, exit_code=int(found[1]))
    if ended.said.startswith(b"bwrap: execvp "):
        missing = ended.said.rstrip().endswith((b": No such file or directory", b": Not a directory"))
        return replace(result, exit_code=127 if missing else 126)
    if ended.said.startswith(b"bwrap: Can't chdir to "):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), cwd)
    said = ended.said.decode("utf-8", "replace").strip() or f"bwrap ended with {ended.code}"
    raise SandboxUnavailable(f"the sandbox went while a command ran in it: {said}")
