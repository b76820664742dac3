"""The labels of what a sandbox leaves in an engine: whose it is, and until when.

A process is known by its id and the time it started, within one boot and one process namespace of one machine: an
engine may serve several machines, and a job in a container may share the host's engine.
"""

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from sandbox.api import Limits, Owner

PREFIX = "solve."
CLOCK_STEP = 2.0  # seconds by which the wall clock may be set while a process lives, where no better clock is known


@dataclass(frozen=True, slots=True)
class Labels:
    """Who made a container, and when it may go. `started` is opaque: compare it, don't parse it."""

    run: str
    task: str
    owner: int  # process id
    started: str
    host: str
    expires: float  # seconds since the epoch

    @classmethod
    def mine(cls, owner: Owner, limits: Limits) -> Self:
        """Labels of something that this process makes now."""
        pid = os.getpid()
        return cls(owner.run, owner.task, pid, start_of(pid), this_host(), time.time() + limits.lifetime)

    @classmethod
    def parse(cls, labels: Mapping[str, str]) -> Self | None:
        """The labels of a container, or None if it is not ours."""
        try:
            return cls(
                run=labels[PREFIX + "run"],
                task=labels[PREFIX + "task"],
                owner=int(labels[PREFIX + "owner"]),
                started=labels[PREFIX + "started"],
                host=labels[PREFIX + "host"],
                expires=float(labels[PREFIX + "expires"]),
            )
        except (KeyError, ValueError):
            return None

    def text(self) -> dict[str, str]:
        """As an engine keeps them."""
        return {
            PREFIX + "run": self.run,
            PREFIX + "task": self.task,
            PREFIX + "owner": str(self.owner),
            PREFIX + "started": self.started,
            PREFIX + "host": self.host,
            PREFIX + "expires": f"{self.expires:.0f}",
        }

    def is_mine(self) -> bool:
        return self.owner == os.getpid() and self.host == this_host() and self.started == start_of(self.owner)

    def orphaned(self) -> bool:
        """Whether the owner is known to be dead. Of another machine's processes nothing is known."""
        return self.host == this_host() and not _lives(self.owner, self.started)


def this_host() -> str:
    """This boot of this machine, and the namespace that process ids count in."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return platform.node()


def start_of(pid: int) -> str:
    """When the process started; empty if that cannot be known.

    On Linux in clock ticks since boot (proc(5), field 22 of stat): the wall clock may be set while the process lives.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        try:
            return f"{psutil.Process(pid).create_time():.2f}"
        except psutil.Error:
            return ""
    return stat.rpartition(")")[2].split()[19]


def _lives(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    now = start_of(pid)
    if not now or not started:  # hidden from us: it may be the owner
        return True
    return now == started or ("." in now and abs(float(now) - float(started)) < CLOCK_STEP)
