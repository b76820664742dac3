"""A long-lived shell inside a container that runs one command after the other: no engine call for each.

A request is shell text (`sandbox.command`) for the functions of channel.sh. The engine frames both output streams by
length; each ends for one request with a mark of known length that is drawn anew at random, so output may hold any
bytes. What the shell says may be forged by code of the same user inside (it can write to the shell's own pipes): good
enough for tools, never for a verdict.
"""

import secrets
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import IO

from sandbox.command import Command
from sandbox.line import Frame, Line, Severed

REST = 1 << 16  # bytes that are looked at after a mark
STDOUT, STDERR = 1, 2


class Capture:
    """One output stream of one request: its first bytes are kept, the rest is dropped, its end is found by a mark."""

    def __init__(self, limit: int, mark: bytes, sink: IO[bytes] | None = None) -> None:
        self._sink: IO[bytes] = BytesIO() if sink is None else sink
        self._room = limit
        self._mark = mark
        self._window = b""  # what may be the start of the mark
        self.truncated = False
        self.after: bytes | None = None  # what came after the mark, once it came

    def feed(self, data: bytes) -> None:
        if self.after is not None:
            self.after += data[:REST]
            return
        self._window += data
        at = self._window.find(self._mark) if self._mark else -1
        if at >= 0:
            self.after = self._window[at + len(self._mark) :]
        else:
            at = max(0, len(self._window) - max(0, len(self._mark) - 1))
        self._keep(self._window[:at])
        self._window = self._window[at:] if self.after is None else b""

    def flush(self) -> None:
        """No more will come, and no mark did."""
        self._keep(self._window)
        self._window = b""

    def value(self) -> bytes:
        self._sink.seek(0)
        return self._sink.read()

    def _keep(self, data: bytes) -> None:
        self._sink.write(data[: self._room])
        self.truncated = self.truncated or len(data) > self._room
        self._room -= min(self._room, len(data))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the shell answered to one request."""

    code: int
    others: frozenset[int]  # processes of the sandbox's user when it ended, but for the shell


class Request:
    """One request under way: its output as far as it came. What `begin` says before a command is apart from it."""

    def __init__(self, limit: int, *, marked: bool = True, order: bool = False, sink: IO[bytes] | None = None) -> None:
        self.mark = secrets.token_hex(16).encode() if marked else b""
        self.out = Capture(limit, self.mark, sink)
        self.err = Capture(limit, self.mark)
        self.begun: bool | None = None  # None: not yet; False: its folder does not exist
        self._order = order  # for the shell itself: nothing begins

    def take(self, frames: list[Frame]) -> None:
        for stream, data in frames:
            if stream == STDERR:
                self.err.feed(data)
                continue
            if self.begun is None and not self._order:
                self.begun = data[:1] == b"1"
                data = data[1:]
            self.out.feed(data)

    @property
    def reply(self) -> Reply | None:
        """None as long as the request has not ended."""
        if self.out.after is None or self.err.after is None:
            return None
        line, newline, _ = self.out.after.partition(b"\n")
        if not newline and len(line) < REST:
            return None
        code, *others = line.split() or [b""]
        return Reply(_number(code), frozenset(map(_number, others)))

    def flush(self) -> None:
        self.out.flush()
        self.err.flush()


class Channel:
    """One shell of the sandbox's user. For one thread at a time."""

    def __init__(self, line: Line, name: str, until: float) -> None:
        """`name` is in the environment of the shell as SOLVE_CHANNEL, and so in that of all that it starts.

        Raises TimeoutError if no shell answers until then, Severed (with what was said) if there is none.
        """
        self.name = name
        self._line = line
        hello = Request(1 << 16, order=True)
        try:
            self._say(program() + b"\necho $$; command -v env", hello)
            self.wait(hello, until)
            pid, self._env = hello.out.value().splitlines()
            self.pid = _number(pid)
        except Severed as error:
            line.close()
            said = (hello.out.value() + hello.err.value()).decode("utf-8", "replace").strip()
            raise Severed(f"no shell answers in the container: {said or error}") from error
        except BaseException:
            line.close()
            raise

    def start(self, command: Command, limit: int) -> Request:
        """Run a command whose standard input is short; its request ends when it does."""
        request = Request(limit)
        feed = command.short_input()
        text = command.text(self._env)
        self._say(feed + b"(" + text + b") 2>&9 9>&-" + (b"" if feed else b" </dev/null"), request)
        return request

    def become(self, command: Command, limit: int, *, fed: bool, sink: IO[bytes] | None = None) -> Request:
        """Replace the shell by the command: the engine knows its exit status. If `fed`, `feed` gives its input."""
        request = Request(limit, marked=False, sink=sink)
        self._line.send(command.text(self._env) + b" 2>&9 9>&-" + (b"" if fed else b" </dev/null") + b"\n")
        return request

    def feed(self, source: IO[bytes]) -> None:
        """All of the standard input of what the shell became, once that has begun."""
        self._line.send_last(source)

    def order(self, text: str, until: float) -> frozenset[int]:
        """Run one of the functions of channel.sh in the shell itself; returns what other processes there are then.

        Raises:
            TimeoutError, Severed: as `wait`.
        """
        request = Request(1 << 16, order=True)
        self._say(text.encode(), request)
        return self.wait(request, until).others

    def wait(self, request: Request, until: float) -> Reply:
        """Raises TimeoutError if it has not ended until then, Severed if the shell is gone."""
        while (reply := request.reply) is None:
            self.pump(request, until)
        return reply

    def pump(self, request: Request, until: float) -> None:
        """Take what came of it; raises as `wait`."""
        try:
            request.take(self._line.receive(until))
        except Severed:
            request.flush()
            raise

    def close(self) -> None:
        self._line.close()

    def _say(self, text: bytes, request: Request) -> None:
        self._line.send(text + b"; end " + request.mark + b"\n")


def _number(text: bytes) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise Severed(f"the channel says {text[:40]!r}: code inside has taken it over") from error


@cache
def program() -> bytes:
    """The text of channel.sh."""
    return files("sandbox").joinpath("channel.sh").read_bytes()
