"""Children that share what the parent has loaded, are limited, and can be killed without loss."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from typing import Any, Callable

Send = Callable[["dict[str, Any]"], None]
MEMORY = 1 << 30  # bytes a child may take on top of what its parent has
FILE = 64 << 20  # bytes of any file it writes


class Fork:
    """A running child. It sends JSON lines; `lines()` hands out those that came."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        self.fd = fd
        self.heard = time.monotonic()
        self.ended = False
        self.signal = 0  # that ended it
        self._rest = b""
        self._worked = 0  # clock ticks of CPU when last looked at

    def stuck(self, seconds: float) -> bool:
        """Whether it has said nothing and done nothing for so long. What computes is left to its limit of CPU."""
        if time.monotonic() - self.heard <= seconds:
            return False
        worked = _worked(self.pid)
        if worked <= self._worked:
            return True
        self._worked = worked
        self.heard = time.monotonic() - seconds / 2
        return False

    def lines(self) -> list[dict[str, Any]]:
        """What came since the last call; never waits. After the last line `ended` is set."""
        rows = []
        while not self.ended and select.select([self.fd], [], [], 0)[0]:
            data = os.read(self.fd, 1 << 16)
            if not data:
                self.kill()
                break
            *whole, self._rest = (self._rest + data).split(b"\n")
            rows += [json.loads(line) for line in whole]
        if rows:
            self.heard = time.monotonic()
        return rows

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """All its lines; killed when it is stuck for `seconds` of wall time."""
        rows: list[dict[str, Any]] = []
        while not self.ended:
            select.select([self.fd], [], [], max(0.0, self.heard + seconds - time.monotonic()) + 0.01)
            rows += self.lines()
            if not self.ended and self.stuck(seconds):
                self.kill()
        return rows

    def kill(self) -> None:
        """End the child and all it started (it leads its own session), and reap it."""
        if self.ended:
            return
        self.ended = True
        with contextlib.suppress(ProcessLookupError, PermissionError):  # the group is there once it leads its session
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        os.close(self.fd)


def spawn() -> tuple[int, int]:
    """Fork: (0, fd to write to) in the child, silenced and limited; (pid, fd to read from) in the parent."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 3.12 warns of threads; a child that hangs on a lock is killed by time
        pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    os.setsid()
    silence()
    limit()
    return 0, writer


def fork(body: Callable[[Send], None]) -> Fork:
    """Run `body` in a child, which then leaves without any clean-up of the parent's: no atexit, no shared buffers."""
    pid, fd = spawn()
    if pid:
        return Fork(pid, fd)
    try:
        body(lambda row: send(fd, row))
    finally:
        os._exit(0)


def send(writer: int, row: dict[str, Any]) -> None:
    data = json.dumps(row).encode() + b"\n"
    while data:
        data = data[os.write(writer, data) :]


def silence() -> None:
    """Standard streams to nowhere: what a candidate prints is never read, and must not fill anything."""
    sys.settrace(None)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


def limit() -> None:
    for kind, most in (
        (resource.RLIMIT_AS, _size() + MEMORY),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, hard))


def used() -> float:
    """CPU seconds of this process and of the children that it reaped."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _worked(pid: int) -> int:
    """Clock ticks of CPU a process has used; 0 where that is not known."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:  # not Linux
        return 0
    return int(fields[11]) + int(fields[12])


def _size() -> int:
    """Bytes of address space this process has now."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:  # not Linux
        return 2 << 30


def cpu_limit(seconds: float, handler: Any = signal.SIG_DFL) -> None:
    """From now on this process may use so much CPU; then SIGPROF ends it, unless `handler` does something else.

    The default action ends C code too, which a Python handler would not.
    """
    signal.signal(signal.SIGPROF, handler)
    signal.setitimer(signal.ITIMER_PROF, seconds)


def leave() -> None:
    os._exit(0)
