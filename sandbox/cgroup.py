"""A control group for one sandbox: holds memory, processes and cpus of all its commands together.

Only as root, or below a delegated group of version 2. Where none can be had `Cgroup.open` says so with None, and the
backend falls back on rlimits, which hold less.
"""

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from sandbox.api import Limits

PERIOD = 100_000  # microseconds, in which the group gets `cpus` times as many
MOUNT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
# Absent without swap, or without accounting for it: then nothing is swapped, or nothing can be done.
OPTIONAL = frozenset({"memory.swap.max", "memory.memsw.limit_in_bytes"})


class Cgroup:
    """The folders of one group. A process joins by writing "0" to each file of `joins`."""

    def __init__(self) -> None:
        self._folders: tuple[Path, ...] = ()

    @property
    def joins(self) -> Sequence[str]:
        return [str(folder / "cgroup.procs") for folder in self._folders]

    @classmethod
    def open(cls, limits: Limits, mount: Path = MOUNT, own: Path = OWN) -> Self | None:
        """Make a group below or beside this process's own; None where that is not allowed."""
        group = cls()
        name = f"solve-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            places = _places(own.read_text())
            if (mount / "cgroup.controllers").exists():
                group._add(_delegated(mount, places.get("", "")) / name, _version_2(limits))
            else:
                for controller, values in _version_1(limits).items():
                    group._add(mount / controller / places[controller] / name, values)
        except (OSError, KeyError):
            group.close()
            return None
        return group

    def note(self, file: Path) -> None:
        """Write down which folders these are, for `remove_noted` when this process was killed."""
        file.write_text("".join(f"{folder}\n" for folder in self._folders))

    def close(self) -> None:
        for folder in self._folders:
            _remove(folder)
        self._folders = ()

    def _add(self, folder: Path, values: Mapping[str, str]) -> None:
        folder.mkdir()
        self._folders = (*self._folders, folder)
        for file, value in values.items():
            if file not in OPTIONAL or (folder / file).exists():
                (folder / file).write_text(value)


def remove_noted(file: Path) -> None:
    """Remove the groups that `Cgroup.note` wrote down, as far as they are groups and empty."""
    if file.exists():
        for folder in map(Path, file.read_text().splitlines()):
            if folder.is_relative_to(MOUNT) and ".." not in folder.parts:
                _remove(folder)


def _remove(folder: Path) -> None:
    """What is still dying in a group is waited for, a moment."""
    for _ in range(50):
        with suppress(OSError):
            folder.rmdir()
        if not folder.exists():
            return
        time.sleep(0.01)


def _version_1(limits: Limits) -> Mapping[str, Mapping[str, str]]:
    return {
        "memory": {
            "memory.limit_in_bytes": str(limits.memory),
            "memory.memsw.limit_in_bytes": str(limits.memory),  # memory and swap together
        },
        "pids": {"pids.max": str(limits.processes)},
        "cpu": {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(int(limits.cpus * PERIOD))},
    }


def _version_2(limits: Limits) -> Mapping[str, str]:
    return {
        "memory.max": str(limits.memory),
        "memory.swap.max": "0",
        "pids.max": str(limits.processes),
        "cpu.max": f"{int(limits.cpus * PERIOD)} {PERIOD}",
    }


def _delegated(mount: Path, place: str) -> Path:
    """The group, our own or the one that holds it, below which the three controllers can be had.

    Our own holds a process, us, so that only the root group may hand controllers on from there.
    """
    own = mount / place
    for group in (own, own.parent) if own != mount else (own,):
        file = group / "cgroup.subtree_control"
        if {"memory", "pids", "cpu"} <= set(file.read_text().split()):
            return group
        with suppress(OSError):
            file.write_text("+memory +pids +cpu")
            return group
    raise OSError("no delegated control group")


def _places(text: str) -> dict[str, str]:
    """`/proc/self/cgroup`: controller → path below its mount; version 2 has the empty controller."""
    places = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        places.update(dict.fromkeys(controllers.split(","), path.lstrip("/")))
    return places
