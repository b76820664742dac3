"""The shells inside one container: hired for a command, idle between, and used to end what commands leave behind."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from sandbox.api import ExecResult, SandboxClosed, SandboxUnavailable
from sandbox.channel import Channel, Reply, Request
from sandbox.command import Command
from sandbox.container import PATIENCE, Container
from sandbox.line import Severed

PAUSE = 0.005  # seconds between two looks at processes that were killed
BRIEF = 5.0  # seconds in which a shell comes up, unless code inside takes all processor time
POLL = 0.1  # seconds between two questions to the engine whether a command of its own has ended
TRIES = 3
TIMED_OUT, KILLED = 124, 137
SHELL_GONE = b"solve: the shell of this command was killed by code inside, or could not fork\n"


@dataclass(eq=False, slots=True)
class Shift:
    """One command under way."""

    overlapped: bool = False  # another command ran for some of the time


class Crew:
    """Runs commands from any number of threads, each in a shell of its own, and cleans up after each."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._lock = threading.Lock()  # over what follows; held while everything inside is killed
        self._active: set[Shift] = set()
        self._idle: list[Channel] = []
        self._closed = False

    def run(self, command: Command, timeout: float, limit: int) -> ExecResult:
        """Run a command, whose standard input is short, in one of the shells.

        Raises:
            SandboxUnavailable, SandboxClosed, FileNotFoundError: as `Sandbox.exec`.
        """
        with self._shift() as shift:
            while (result := self._try(shift, command, timeout, limit)) is None:
                pass
            return result

    def run_alone(
        self, command: Command, timeout: float, limit: int, *, sink: IO[bytes] | None = None, purge: bool = False
    ) -> ExecResult:
        """Run a command as an engine's exec of its own: its exit status is what the engine saw.

        With `purge`, and if no other command runs, all that earlier commands may have left or taken over, the shells
        too, is killed before. `sink` takes standard output in place of the result. Raises as `run`.
        """
        with self._shift() as shift:
            exec_id, channel = self._open()
            try:
                if purge:
                    self._purge(channel)
                began = time.monotonic()
                request = channel.become(command, limit, sink)
                code = self._watch(exec_id, channel, request, command.stdin, began + timeout)
                seconds = time.monotonic() - began
                self._sweep(shift, channel, fresh=purge)
                self._drain(channel, request)
                return _result(command, request, code, seconds, read=sink is None)
            finally:
                channel.close()

    def close(self) -> None:
        """Take no more commands. Those under way end when the container does, and say that the sandbox was closed."""
        with self._lock:
            self._closed = True
            self._drop_idle()

    def check_open(self) -> None:
        """Raises SandboxClosed after `close`."""
        if self._closed:
            raise SandboxClosed("the sandbox was closed")

    @contextmanager
    def _shift(self) -> Iterator[Shift]:
        """One more command is under way."""
        shift = Shift()
        with self._lock:
            self.check_open()
            self._active.add(shift)
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

    def _try(self, shift: Shift, command: Command, timeout: float, limit: int) -> ExecResult | None:
        """None if the shell turned out to be dead before it began."""
        channel, fresh = self._hire()
        try:
            began = time.monotonic()
            request = channel.start(command, limit)
            code: int | None = None
            try:
                code = self._wait(channel, request, began + timeout)
            except Severed:
                self._container.check()
                if request.begun is None and not fresh:
                    return None
                code = KILLED
                request.err.feed(SHELL_GONE)
                request.flush()
            seconds = time.monotonic() - began
            if not self._tidied(shift, channel, request.reply):
                self._sweep(shift, channel)
                self._drain(channel, request)
            return _result(command, request, code, seconds)
        finally:
            self._dismiss(channel)

    def _wait(self, channel: Channel, request: Request, until: float) -> int | None:
        try:
            return channel.wait(request, until).code
        except TimeoutError:
            return None

    def _watch(self, exec_id: str, channel: Channel, request: Request, stdin: bytes, until: float) -> int | None:
        """The exit status of an exec of its own, or None if it does not end in time. It may hang up and go on."""
        hung_up, asked, pause = False, 0.0, PAUSE
        while (now := time.monotonic()) < until:
            try:
                if hung_up:
                    time.sleep(pause)
                    pause = min(2 * pause, POLL)
                else:
                    channel.pump(request, min(until, now + POLL))
            except TimeoutError:
                pass
            except Severed:
                hung_up = True
            if stdin and request.begun:
                channel.feed(stdin)
                stdin = b""
            if hung_up or now - asked > POLL:
                asked = now
                code = self._container.exit_code(exec_id)
                if code is not None:
                    self._container.check()
                    return code
        return None

    def _tidied(self, shift: Shift, channel: Channel, reply: Reply | None) -> bool:
        """End what a command left, by its own shell, which is then idle. False if that shell cannot do it."""
        if reply is None:
            return False
        try:
            self._end(shift, channel, channel, None if shift.overlapped else reply.others)
        except (Severed, TimeoutError):
            return False
        return True

    def _end(self, shift: Shift, channel: Channel, killer: Channel, others: frozenset[int] | None) -> None:
        """End a shift and what its command left by the shell `killer`, which is idle from then on.

        While others run, by what tells whose a process is; the last one under way clears all that there is.
        """
        hunted = False
        while True:
            with self._lock:
                last = self._active == {shift}
                if last:
                    self._clear(killer, killer.order(":", _soon()) if others is None else others)
                if last or hunted:
                    self._active.discard(shift)
                    if not self._closed:
                        self._idle.append(killer)
                    return
            killer.order(f"hunt {channel.pid} {channel.name}", _soon())
            hunted, others = True, None

    def _sweep(self, shift: Shift, channel: Channel, *, fresh: bool = False) -> None:
        """End a command, its shell and what it left, by another shell; with `fresh` by one that is not older than it.

        Where code inside kills each shell that comes up, or takes all processor time, the engine restarts the
        container: the worktree stays, what is in memory (/tmp) is lost.
        """
        for attempt in range(TRIES):
            try:
                killer = self._open(BRIEF)[1] if fresh or attempt else self._hire(BRIEF)[0]
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

    def _swept(self, shift: Shift, channel: Channel, killer: Channel) -> bool:
        try:
            self._end(shift, channel, killer, None)
        except Severed:
            self._container.check()
            return False
        finally:
            self._dismiss(killer)
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
                order = ":"
            seen |= strangers
            others = shell.order(order, until)

    def _purge(self, channel: Channel) -> None:
        with self._lock:
            if len(self._active) == 1:
                self._drop_idle()
                self._clear(channel, channel.order("kill -KILL -1", _soon()))

    def _drain(self, channel: Channel, request: Request) -> None:
        """Take the rest of the output of a command that was ended."""
        try:
            while True:
                channel.pump(request, _soon())
        except Severed:
            return

    def _hire(self, patience: float = PATIENCE) -> tuple[Channel, bool]:
        """A shell, and whether it is a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop(), False
        return self._open(patience)[1], True

    def _open(self, patience: float = PATIENCE) -> tuple[str, Channel]:
        name = secrets.token_hex(8)
        exec_id, line = self._container.attach(name)
        return exec_id, Channel(line, name, time.monotonic() + patience)

    def _dismiss(self, channel: Channel) -> None:
        with self._lock:
            if channel not in self._idle:
                channel.close()

    def _drop_idle(self) -> None:
        for channel in self._idle:
            channel.close()
        self._idle.clear()


def _soon() -> float:
    return time.monotonic() + PATIENCE


def _result(command: Command, request: Request, code: int | None, seconds: float, *, read: bool = True) -> ExecResult:
    if request.begun is False:
        raise FileNotFoundError(f"no such folder in the sandbox: {command.cwd.decode('utf-8', 'replace')}")
    return ExecResult(
        exit_code=TIMED_OUT if code is None else code,
        stdout=request.out.value() if read else b"",
        stderr=request.err.value(),
        seconds=seconds,
        timed_out=code is None,
        truncated=request.out.truncated or request.err.truncated,
    )
