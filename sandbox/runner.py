"""Runs commands in a container: through a shell that stays open, or as an exec that the engine itself watches."""

import time
from io import BytesIO
from typing import IO

from sandbox.api import ExecResult, SandboxUnavailable
from sandbox.channel import Channel, Request
from sandbox.command import Command
from sandbox.container import PATIENCE, Container
from sandbox.crew import Crew, Shift
from sandbox.line import Severed

POLL = 0.1  # seconds between two questions to the engine whether a command of its own has ended
PAUSE = 0.005  # the same, at first, when the command has closed its output
TIMED_OUT, KILLED = 124, 137
SHELL_GONE = b"solve: the shell of this command was killed by code inside, or could not fork\n"


class Runner:
    """Both ways to run a command, from any number of threads; each cleans up after itself."""

    def __init__(self, container: Container, crew: Crew) -> None:
        self._container = container
        self._crew = crew

    def run(self, command: Command, timeout: float, limit: int) -> ExecResult:
        """Run a command, whose standard input is short, in one of the shells.

        Raises:
            SandboxUnavailable, SandboxClosed, FileNotFoundError: as `Sandbox.exec`.
        """
        with self._crew.shift() as shift:
            while (result := self._try(shift, command, timeout, limit)) is None:
                pass
            return result

    def run_alone(
        self,
        command: Command,
        timeout: float,
        limit: int,
        *,
        source: IO[bytes] | None = None,
        sink: IO[bytes] | None = None,
        purge: bool = False,
    ) -> ExecResult:
        """Run a command as an engine's exec of its own: its exit status is what the engine saw.

        With `purge`, and if no other command runs, all that earlier commands may have left or taken over, the shells
        too, is killed before. `source` gives its standard input, `sink` takes its standard output. Raises as `run`.
        """
        if command.stdin:
            source = BytesIO(command.stdin)
        with self._crew.shift() as shift:
            exec_id, channel = self._crew.open()
            try:
                if purge:
                    self._crew.purge(channel)
                began = time.monotonic()
                request = channel.become(command, limit, fed=source is not None, sink=sink)
                code = self._watch(exec_id, channel, request, source, began + timeout)
                seconds = time.monotonic() - began
                self._crew.sweep(shift, channel, fresh=purge)
                _drain(channel, request)
                return _result(command, request, code, seconds, read=sink is None)
            finally:
                channel.close()

    def _try(self, shift: Shift, command: Command, timeout: float, limit: int) -> ExecResult | None:
        """None if the shell turned out to be dead before it began."""
        channel, fresh = self._crew.hire()
        try:
            began = time.monotonic()
            request = channel.start(command, limit)
            try:
                code = _wait(channel, request, began + timeout)
            except Severed:
                self._check_lost(channel)
                if request.begun is None and not fresh:
                    return None
                code = KILLED
                request.err.feed(SHELL_GONE)
                request.flush()
            seconds = time.monotonic() - began
            if not self._tidied(shift, channel, request):
                self._crew.sweep(shift, channel)
                _drain(channel, request)
            return _result(command, request, code, seconds)
        finally:
            self._crew.dismiss(channel)

    def _check_lost(self, channel: Channel) -> None:
        """A line broke: raises SandboxUnavailable unless code inside killed the shell at its end."""
        self._container.check()
        if self._crew.lives(channel):
            raise SandboxUnavailable("the engine hung up while a command ran")

    def _tidied(self, shift: Shift, channel: Channel, request: Request) -> bool:
        """End what a command left, by its own shell, which is then idle. False if that shell cannot do it."""
        if request.reply is None:
            return False
        try:
            self._crew.end(shift, channel, channel, None if shift.overlapped else request.reply.others)
        except (Severed, TimeoutError):
            return False
        return True

    def _watch(
        self, exec_id: str, channel: Channel, request: Request, source: IO[bytes] | None, until: float
    ) -> int | None:
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
            if source and request.begun:
                channel.feed(source)
                source = None
            if hung_up or now - asked > POLL:
                asked = now
                code = self._container.exit_code(exec_id)
                if code is not None:
                    self._container.check()
                    return code
        return None


def _wait(channel: Channel, request: Request, until: float) -> int | None:
    try:
        return channel.wait(request, until).code
    except TimeoutError:
        return None


def _drain(channel: Channel, request: Request) -> None:
    """Take the rest of the output of a command that was ended."""
    try:
        while True:
            channel.pump(request, time.monotonic() + PATIENCE)
    except Severed:
        return


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
