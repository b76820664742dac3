"""Child processes on the host, for the backends that start commands themselves.

One thread, the caller's, feeds and drains a child: output past the cap is read and dropped, so that a flood neither
blocks the child nor fills our memory. A deadline, and `close` from another thread, end the child's whole tree.

A launcher starts the command, ends whatever the command left, and holds the report channel open until that is done:
its end is the end of the command, while a process that got away may hold standard output open for as long as it likes.
"""

import errno
import os
import re
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Protocol

from sandbox.api import ExecResult, SandboxClosed, SandboxUnavailable

CHUNK = 1 << 16
PIPE_CHUNKS = 32  # more than a pipe holds: what is left in one when all that wrote to it is gone
SAID = 4096  # bytes
PATIENCE = 8.0  # seconds that a launcher has to end a tree; longer than `supervise` gives itself
TIMED_OUT = 124
INIT = re.compile(rb'"child-pid": (\d+)')  # bubblewrap reports the process whose end ends the whole namespace


@dataclass(frozen=True, slots=True)
class Launched:
    """A launcher at work. A byte in its report channel asks it to end the tree; so does `stop`."""

    stop: Callable[[], object]
    wait: Callable[[], int]  # its exit code, as `subprocess` has it: -n for signal n; called when its report has ended


class Launch(Protocol):
    """Starts a launcher with the descriptors it is to have: the command's standard three, and the report channel."""

    def __call__(self, stdin: int, stdout: int, stderr: int, report: int) -> Launched: ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: what the launcher reported, and what `ExecResult` needs."""

    code: int  # the launcher's
    report: bytes
    said: bytes  # how standard error began, whatever `max_output` is: a launcher that cannot start the command says why
    result: ExecResult  # with the launcher's exit code: the backend knows how to read the command's from the report
    started: bool = True  # False: arguments and environment are more than the system takes


class Processes:
    """The commands of one sandbox that run at the moment."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._wakes: set[int] = set()
        self._closed = False

    def close(self) -> bool:
        """End what runs, and wait for it. True the first time."""
        with self._state:
            first, self._closed = not self._closed, True
            for wake in self._wakes:
                os.write(wake, b"x")
            self._state.wait_for(lambda: not self._wakes, timeout=3 * PATIENCE)
            return first

    def check_open(self) -> None:
        if self._closed:
            raise SandboxClosed("this sandbox is closed")

    def run(self, launch: Launch, *, stdin: bytes, timeout: float, max_output: int) -> Ended:
        """Run a command to its end.

        Raises:
            SandboxClosed, SandboxUnavailable: closed before, or meanwhile; or the machine has no process to give.
        """
        with self._registered() as wake:
            began = time.monotonic()
            try:
                running = _Running(launch, stdin, max_output)
            except OSError as error:
                if error.errno != errno.E2BIG:
                    raise SandboxUnavailable(f"cannot start a process: {error}") from error
                return Ended(126, b"", b"", ExecResult(126, b"", b"argument list too long\n", 0.0), started=False)
            with running:  # leaving it, also by Ctrl-C, ends the tree
                how = running.attend(wake, began + timeout)
            if how == "closed":
                raise SandboxUnavailable("the sandbox was closed while a command ran in it")
            out, err = running.out, running.err
            result = ExecResult(
                TIMED_OUT if how == "deadline" else running.code,
                bytes(out.kept[:max_output]),
                bytes(err.kept[:max_output]),
                time.monotonic() - began,
                how == "deadline",
                max(out.seen, err.seen) > max_output,
            )
            return Ended(running.code, bytes(running.report.kept), bytes(err.kept[:SAID]), result)

    @contextmanager
    def _registered(self) -> Iterator[int]:
        reader, writer = os.pipe()
        try:
            with self._state:
                self.check_open()
                self._wakes.add(writer)
            yield reader
        finally:
            with self._state:
                self._wakes.discard(writer)
                self._state.notify_all()
            os.close(reader)
            os.close(writer)


@dataclass(slots=True)
class _Stream:
    """The first `limit` bytes of what comes out of a descriptor, and how much it was."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)
    seen: int = 0

    def take(self, data: bytes) -> None:
        self.kept += data[: self.limit - len(self.kept)]
        self.seen += len(data)


class _Running:
    """One command, and our ends of its pipes."""

    def __init__(self, launch: Launch, stdin: bytes, max_output: int) -> None:
        self.out, self.err, self.report = _Stream(max_output), _Stream(max(max_output, SAID)), _Stream(CHUNK)
        self.code = 0
        self._selector = selectors.DefaultSelector()
        self._init: int | None = None  # pidfd
        self._unsent = memoryview(stdin)
        with ExitStack() as mine:
            mine.callback(self._selector.close)
            with ExitStack() as theirs:
                self._stdin, other_stdin = _pipe(mine, theirs, writing=True)
                stdout, other_stdout = _pipe(mine, theirs)
                stderr, other_stderr = _pipe(mine, theirs)
                self._channel, channel = map(mine.enter_context, socket.socketpair())
                theirs.callback(channel.close)
                self._launched = launch(other_stdin, other_stdout, other_stderr, channel.fileno())
            self._streams = {
                stdout.fileno(): self.out,
                stderr.fileno(): self.err,
                self._channel.fileno(): self.report,
            }
            for descriptor in self._streams:
                os.set_blocking(descriptor, False)
                self._selector.register(descriptor, selectors.EVENT_READ)
            os.set_blocking(self._stdin.fileno(), False)
            self._selector.register(self._stdin, selectors.EVENT_WRITE)
            self._mine = mine.pop_all()
        self._feed()  # without input it is at its end before the command looks

    def __enter__(self) -> "_Running":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._end()
        finally:
            self._mine.close()

    def attend(self, wake: int, deadline: float) -> str:
        """Feed and drain until the tree has ended. Returns "ended", "deadline" or "closed": why."""
        self._selector.register(wake, selectors.EVENT_READ)
        how = "ended"
        while self._channel.fileno() in self._streams:
            left = deadline - time.monotonic()
            if left <= 0:
                how = "deadline"
                break
            if wake in self._serve(left):
                how = "closed"
                break
        self._selector.unregister(wake)
        self._end()
        for descriptor in list(self._streams):
            self._read(descriptor, PIPE_CHUNKS)
        return how

    def _end(self) -> None:
        """End the tree if it has not ended, and see it gone."""
        if self._channel.fileno() in self._streams:
            with suppress(OSError):
                self._channel.send(b"x")
            self._launched.stop()
            until = time.monotonic() + PATIENCE
            while self._channel.fileno() in self._streams and (left := until - time.monotonic()) > 0:
                self._serve(left)
        self.code = self._launched.wait()
        if self._init is not None:
            init, self._init = self._init, None
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(init, signal.SIGKILL)
            with selectors.DefaultSelector() as selector:
                selector.register(init, selectors.EVENT_READ)
                selector.select(PATIENCE)
            os.close(init)

    def _serve(self, timeout: float) -> set[int]:
        """One round of what is ready; returns the descriptors that were."""
        ready = {key.fd for key, _ in self._selector.select(timeout)}
        for descriptor in ready & self._streams.keys():
            self._read(descriptor)
        if not self._stdin.closed and self._stdin.fileno() in ready:
            self._feed()
        return ready

    def _read(self, descriptor: int, chunks: int = 1) -> None:
        stream = self._streams[descriptor]
        with suppress(BlockingIOError):
            for _ in range(chunks):
                try:
                    data = os.read(descriptor, CHUNK)
                except ConnectionResetError:  # the launcher ended without reading the byte that asked it to
                    data = b""
                stream.take(data)
                if stream is self.report and self._init is None and (found := INIT.search(stream.kept)):
                    with suppress(ProcessLookupError):
                        self._init = os.pidfd_open(int(found[1]))
                if not data:
                    self._selector.unregister(descriptor)
                    del self._streams[descriptor]
                    return

    def _feed(self) -> None:
        try:
            if self._unsent:
                self._unsent = self._unsent[os.write(self._stdin.fileno(), self._unsent[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want to read more: its own affair
            self._unsent = self._unsent[:0]
        if not self._unsent:
            self._selector.unregister(self._stdin)
            self._stdin.close()


def _pipe(ours: ExitStack, theirs: ExitStack, *, writing: bool = False) -> tuple[IO[bytes], int]:
    """A pipe: our end, which reads or writes, and the command's."""
    reader, writer = os.pipe()
    mine, other = (writer, reader) if writing else (reader, writer)
    theirs.callback(os.close, other)
    return ours.enter_context(os.fdopen(mine, "wb" if writing else "rb", buffering=0)), other
