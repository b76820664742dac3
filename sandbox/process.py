"""Child processes on the host, for the backends that start commands themselves.

One thread, the caller's, feeds and drains a child: output past the cap is read and dropped, so that a flood neither
blocks the child nor fills our memory. A deadline and `close` from another thread end the child's whole tree.
"""

import errno
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sandbox.api import ExecResult, SandboxClosed, SandboxUnavailable

CHUNK = 1 << 16
SAID = 4096  # bytes
PIPE_CHUNKS = 32  # more than a pipe holds: what is left in one when all that wrote to it is gone
PATIENCE = 8.0  # seconds that a child has to end its tree; longer than `supervise` gives itself
TICK = 0.02  # seconds between looks at a child where the system has no pidfd
TIMED_OUT = 124
INIT = re.compile(rb'"child-pid": (\d+)')  # bubblewrap's --info-fd: the process whose end ends the whole sandbox


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start. It writes how things went to the descriptor `report`; each of `passed` stays open in it."""

    argv: Sequence[str]
    env: Mapping[str, str]
    report: int
    passed: tuple[int, ...]
    stop: signal.Signals  # makes it end its tree


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: what the launcher reported, and what `ExecResult` needs."""

    code: int  # the launcher's, as `subprocess` has it: -n for signal n
    report: bytes
    said: bytes  # how standard error began, whatever `max_output` is: a launcher that cannot start the command says why
    result: ExecResult  # with the launcher's exit code: the backend knows how to read the command's from the report
    started: bool = True  # False: arguments and environment are more than the system takes


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe, as for `Launch.report`: the end to read, the end to write."""
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


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
            self._state.wait_for(lambda: not self._wakes, timeout=2 * PATIENCE)
            return first

    def check_open(self) -> None:
        if self._closed:
            raise SandboxClosed("this sandbox is closed")

    def run(self, launch: Launch, reader: int, *, stdin: bytes, timeout: float, max_output: int) -> Ended:
        """Run to the end. `reader` is the other end of `launch.report`; both are closed by the caller.

        Raises:
            SandboxClosed, SandboxUnavailable: closed before, or meanwhile; or the machine has no process to give.
        """
        with self._registered() as wake:
            began = time.monotonic()
            try:
                process = _start(launch, bool(stdin))
            except OSError as error:
                if error.errno != errno.E2BIG:
                    raise SandboxUnavailable(f"cannot start a process: {error}") from error
                return Ended(126, b"", b"", ExecResult(126, b"", b"argument list too long\n", 0.0), started=False)
            with _Running(
                process, launch.stop, stdin, max_output
            ) as running:  # leaving it, also by Ctrl-C, ends the tree
                how = running.attend(wake, reader, began + timeout)
            if how == "closed":
                raise SandboxUnavailable("the sandbox was closed while a command ran in it")
            out, err = running.out, running.err
            result = ExecResult(
                TIMED_OUT if how == "deadline" else process.returncode,
                bytes(out.kept[:max_output]),
                bytes(err.kept[:max_output]),
                time.monotonic() - began,
                how == "deadline",
                max(out.seen, err.seen) > max_output,
            )
            return Ended(process.returncode, bytes(running.report.kept), bytes(err.kept[:SAID]), result)

    @contextmanager
    def _registered(self) -> Iterator[int]:
        with pipe() as (reader, writer):
            with self._state:
                self.check_open()
                self._wakes.add(writer)
            try:
                yield reader
            finally:
                with self._state:
                    self._wakes.discard(writer)
                    self._state.notify_all()


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
    """One child and its pipes."""

    def __init__(self, process: subprocess.Popen[bytes], stop: signal.Signals, stdin: bytes, max_output: int) -> None:
        self.out, self.err, self.report = _Stream(max_output), _Stream(max(max_output, SAID)), _Stream(CHUNK)
        self._process = process
        self._stop = stop
        self._stdin = memoryview(stdin)
        self._streams: dict[int, _Stream] = {}
        self._init: int | None = None  # pidfd
        self._selector = selectors.DefaultSelector()
        self._end = _pidfd(process.pid)

    def __enter__(self) -> "_Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()
        if self._end is not None:
            os.close(self._end)

    def attend(self, wake: int, report: int, deadline: float) -> str:
        """Feed and drain until the tree has ended. Returns "ended", "deadline" or "closed": why."""
        assert self._process.stdout
        assert self._process.stderr
        for descriptor, stream in (
            (self._process.stdout.fileno(), self.out),
            (self._process.stderr.fileno(), self.err),
            (report, self.report),
        ):
            os.set_blocking(descriptor, False)
            self._streams[descriptor] = stream
            self._selector.register(descriptor, selectors.EVENT_READ)
        for descriptor in filter(None, (wake, self._end)):
            self._selector.register(descriptor, selectors.EVENT_READ)
        if self._process.stdin:
            os.set_blocking(self._process.stdin.fileno(), False)
            self._selector.register(self._process.stdin, selectors.EVENT_WRITE)
        how = "ended"
        while self._process.poll() is None:
            left = deadline - time.monotonic()
            ready = self._serve(min(left, TICK) if self._end is None else left)
            if wake in ready or left <= 0:
                how = "closed" if wake in ready else "deadline"
                break
        self.end()
        self._serve(0.0)
        for descriptor in list(self._streams):
            self._read(descriptor, PIPE_CHUNKS)
        return how

    def end(self) -> None:
        """End the tree if it has not ended, and see it gone."""
        if self._process.poll() is None:
            self._signal(self._stop)
            until = time.monotonic() + PATIENCE
            while self._process.poll() is None and time.monotonic() < until:
                self._serve(TICK)
            self._signal(signal.SIGKILL)
            self._process.wait()
        if self._init is not None:
            init, self._init = self._init, None
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(init, signal.SIGKILL)
            _await(init, PATIENCE)
            os.close(init)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _serve(self, timeout: float) -> set[int]:
        """One round of what is ready; returns the descriptors that were."""
        ready = {key.fd for key, _ in self._selector.select(max(timeout, 0.0))} if self._selector.get_map() else set()
        for descriptor in ready & self._streams.keys():
            self._read(descriptor)
        if self._process.stdin and not self._process.stdin.closed and self._process.stdin.fileno() in ready:
            self._feed()
        return ready

    def _read(self, descriptor: int, chunks: int = 1) -> None:
        stream = self._streams[descriptor]
        with suppress(BlockingIOError):
            for _ in range(chunks):
                data = os.read(descriptor, CHUNK)
                stream.take(data)
                if stream is self.report and self._init is None and (found := INIT.search(stream.kept)):
                    self._init = _pidfd(int(found[1]))
                if not data:
                    self._selector.unregister(descriptor)
                    del self._streams[descriptor]
                    return

    def _feed(self) -> None:
        pipe = self._process.stdin
        assert pipe
        try:
            self._stdin = self._stdin[os.write(pipe.fileno(), self._stdin[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want to read more: its own affair
            self._stdin = self._stdin[:0]
        if not self._stdin:
            self._selector.unregister(pipe)
            pipe.close()


def _start(launch: Launch, with_stdin: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        launch.argv,
        env=launch.env,
        cwd="/",
        stdin=subprocess.PIPE if with_stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # the terminal's Ctrl-C is for us, and we end the tree
        pass_fds=launch.passed,
        bufsize=0,
    )


def _pidfd(process: int) -> int | None:
    if not hasattr(os, "pidfd_open"):
        return None
    with suppress(ProcessLookupError):
        return os.pidfd_open(process)
    return None


def _await(pidfd: int, timeout: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(pidfd, selectors.EVENT_READ)
        selector.select(timeout)
