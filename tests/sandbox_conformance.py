"""The sandbox contract as checks that every backend has to pass: see `tests/sandbox/test_conformance.py`.

A check is a function of a `Ground`, named for what it holds. Checks that use `ground.sandbox` share one sandbox, and
keep to names of their own in it; those that need limits, or an end, open another.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.api import Limits, Sandbox


@dataclass(frozen=True)
class Ground:
    """What a check stands on."""

    sandbox: Sandbox  # shared by checks
    start: Callable[[Limits], Sandbox]  # another one, from the same image
    folder: Path  # on the host, empty

    def open(self, limits: Limits = Limits()) -> Sandbox:  # noqa: B008 (frozen)
        return self.start(limits)

    def name(self) -> str:
        """A path in the worktree that no other check uses."""
        return f"c{secrets.token_hex(6)}"


Check = Callable[[Ground], None]

# What a backend cannot hold by its nature; everything else it has to.
BARE = "a plain child process is not isolated from the host"
DIFFERENCES: Mapping[str, Mapping[str, str]] = {
    "local": {
        "there_is_no_network": BARE,
        "the_system_is_read_only": BARE,
        "the_user_is_not_root_and_can_gain_nothing": BARE,
        "the_home_of_the_host_is_not_visible": BARE,
        "files_of_the_host_are_not_visible": BARE,
        "processes_of_the_host_are_not_visible": BARE,
        "the_kernel_cannot_be_set": BARE,
        "nothing_can_be_mounted": BARE,
        "process_one_cannot_be_traced": BARE,
    },
}

# What it cannot hold on a machine where no control group can be had, as for an ordinary user.
WITHOUT_GROUP: Mapping[str, Mapping[str, str]] = {
    "local": {
        "a_fork_bomb_is_bounded_and_gone": "RLIMIT_NPROC counts all that the user runs",
    },
}


def checks_of(module: Mapping[str, object]) -> dict[str, Check]:
    """The checks of a module: what is called `check_...` there, in its order."""
    found = {name.removeprefix("check_"): value for name, value in module.items() if name.startswith("check_")}
    return {name: check for name, check in found.items() if callable(check)}


def said(sandbox: Sandbox, command: str | list[str]) -> str:
    """What a command that has to succeed printed, without the last newline."""
    done = sandbox.exec(command)
    assert done.ok, f"{command}: {done}"
    return done.stdout.decode().removesuffix("\n")


def mark() -> str:
    """Seconds for `sleep` that nobody else asks for: what sleeps so long can be found."""
    return f"600.{secrets.randbelow(10**12):012d}"


def alive(marked: str) -> list[str]:
    """The command lines on this machine that contain a mark, as the host sees them."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or ())
        if marked in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(words)
    return found


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that has to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)
