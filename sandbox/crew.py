"""The shells inside one container: hired for a command, idle between, and used to end what commands leave behind."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.api import SandboxClosed, SandboxUnavailable
from sandbox.channel import Channel
from sandbox.container import PATIENCE, Container
from sandbox.line import Severed

PAUSE = 0.005  # seconds between two looks at processes that were killed
LOOKS = 20  # at a shell that may be about to go
BRIEF = 5.0  # seconds in which a shell comes up, unless code inside takes all processor time
TRIES = 3


@dataclass(eq=False, slots=True)
class Shift:
    """One command under way."""

    overlapped: bool = False  # another command ran for some of the time


class Crew:
    """Keeps the shells. Commands of any number of threads may be under way, each in a shell of its own."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._lock = threading.Lock()  # over what follows; held while everything inside is killed
        self._active: set[Shift] = set()
        self._most = 0  # commands that were under way at once
        self._idle: list[Channel] = []
        self._closed = False

    @contextmanager
    def shift(self) -> Iterator[Shift]:
        """One more command is under way.

        Raises:
            SandboxClosed: after `close`, or when that came while the command ran.
            SandboxUnavailable: for whatever the line or the engine met.
        """
        shift = Shift()
        with self._lock:
            self.check_open()
            self._active.add(shift)
            self._most = max(self._most, len(self._active))
            for each in self._active if len(self._active) > 1 else ():
                each.overlapped = True
        try:
            yield shift
        except (SandboxUnavailable, Severed, TimeoutError) as error:
            if self._closed:
                raise SandboxClosed("the sandbox was closed while a command ran") from error
            if isinstance(error, SandboxUnavailable):
                raise
            raise SandboxUnavailable(f"the engine hung up or does not answer: {error}") from error
        finally:
            with self._lock:
                self._active.discard(shift)

    def close(self) -> None:
        """Take no more commands. Those under way end when the container does, and say that the sandbox was closed."""
        with self._lock:
            self._closed = True
            self._drop_idle()

    def check_open(self) -> None:
        """Raises SandboxClosed after `close`."""
        if self._closed:
            raise SandboxClosed("the sandbox was closed")

    def hire(self, patience: float = PATIENCE) -> tuple[Channel, bool]:
        """A shell, and whether it is a new one; raises as `open`."""
        with self._lock:
            if self._idle:
                return self._idle.pop(), False
        return self.open(patience)[1], True

    def open(self, patience: float = PATIENCE) -> tuple[str, Channel]:
        """A new shell, and the engine's id of it.

        Raises TimeoutError if it does not answer in time, Severed if it was killed as it came up.
        """
        name = secrets.token_hex(8)
        exec_id, line = self._container.attach(name)
        return exec_id, Channel(line, name, time.monotonic() + patience)

    def dismiss(self, channel: Channel) -> None:
        """Hang up, unless the shell is idle again."""
        with self._lock:
            if channel not in self._idle:
                channel.close()

    def lives(self, channel: Channel) -> bool:
        """Whether the shell of a line that broke still runs: then it was the engine that hung up."""
        try:
            other = self.open(BRIEF)[1]
        except (Severed, TimeoutError):
            return False
        try:
            for _ in range(LOOKS):
                if channel.pid not in other.order("still=yes", _soon()):
                    return False
                time.sleep(PAUSE)
        except Severed:
            return False
        finally:
            other.close()
        return True

    def end(self, shift: Shift, channel: Channel, killer: Channel, others: frozenset[int] | None = None) -> None:
        """End a shift and what its command left by the shell `killer`, which is idle from then on.

        While others run, by what tells whose a process is; the last one under way clears all that there is, which is
        `others` if that is known. Raises as `Channel.order`.
        """
        hunted = False
        while True:
            with self._lock:
                last = self._active == {shift}
                if last:
                    self._clear(killer, killer.order(":", _soon()) if others is None else others)
                if last or hunted:
                    self._active.discard(shift)
                    if not self._closed and len(self._idle) < self._most:
                        self._idle.append(killer)
                    return
            killer.order(f"hunt {channel.pid} {channel.name}", _soon())
            hunted, others = True, None

    def sweep(self, shift: Shift, channel: Channel, *, fresh: bool = False) -> None:
        """End a command, its shell and what it left, by another shell; with `fresh` by one that is not older than it.

        Where code inside kills each shell that comes up, or takes all processor time, the engine restarts the
        container: the worktree stays, what is in memory (/tmp) is lost.
        """
        for attempt in range(TRIES):
            try:
                killer = self.open(BRIEF)[1] if fresh or attempt else self.hire(BRIEF)[0]
            except TimeoutError:
                break
            except Severed:
                self._container.check()
                continue
            if self._swept(shift, channel, killer):
                return
        with self._lock:
            if len(self._active) > 1:
                raise SandboxUnavailable("code inside cannot be ended while another command runs")
            self._drop_idle()
            self._container.restart()

    def purge(self, channel: Channel) -> None:
        """Kill everything, the idle shells too, but for one shell; not while another command is under way."""
        with self._lock:
            if len(self._active) == 1:
                self._drop_idle()
                self._clear(channel, channel.order("kill -KILL -1", _soon()))

    def _swept(self, shift: Shift, channel: Channel, killer: Channel) -> bool:
        try:
            self.end(shift, channel, killer)
        except Severed:
            self._container.check()
            return False
        finally:
            self.dismiss(killer)
        return True

    def _clear(self, shell: Channel, others: frozenset[int]) -> None:
        """End everything of the user but the shells. To be called with the lock held and one command under way."""
        until = _soon()
        seen: frozenset[int] = frozenset()
        while strangers := others - {shell.pid} - {idle.pid for idle in self._idle}:
            if time.monotonic() > until:
                raise TimeoutError(f"processes that cannot be ended: {sorted(strangers)[:5]}")
            if not seen:
                order = "kill -KILL " + " ".join(map(str, strangers))
            elif strangers - seen:  # they multiply: all at once, so that nothing slips through, with the idle shells
                self._drop_idle()
                order = "kill -KILL -1"
            else:  # killed, and on their way out
                time.sleep(PAUSE)
                order = "still=yes"
            seen |= strangers
            others = shell.order(order, until)

    def _drop_idle(self) -> None:
        for channel in self._idle:
            channel.close()
        self._idle.clear()


def _soon() -> float:
    return time.monotonic() + PATIENCE
