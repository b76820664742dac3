"""A duplex line to one process of a container: bytes in, frames of its two output streams out.

The engine multiplexes both streams over one socket. Each frame is a header of eight bytes, the stream (1 or 2) in the
first and the length of the payload, big-endian, in the last four (Docker Engine API, "Attach to a container").
"""

import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from sandbox.api import SandboxUnavailable

HEADER = 8
CHUNK = 1 << 18
AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)

Frame = tuple[int, bytes]


class Severed(ConnectionError):
    """The line ended: the process is gone with all that held its output, or the engine is."""


class Frames:
    """Takes the multiplexed stream apart, in whatever pieces it comes."""

    def __init__(self) -> None:
        self._header = b""
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The payload in `data`; a frame that is not complete yet is given out as far as it is."""
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                self._left -= len(piece)
                at += len(piece)
                yield self._stream, piece
                continue
            piece = data[at : at + HEADER - len(self._header)]
            self._header += piece
            at += len(piece)
            if len(self._header) == HEADER:
                self._stream, self._left = self._header[0], int.from_bytes(self._header[4:], "big")
                self._header = b""


class Line:
    """One attached socket. Not for use by two threads at once."""

    def __init__(self, attached: Any) -> None:
        self._attached = attached  # the library's wrapper: when it is collected it closes the socket
        self._socket: socket.socket = getattr(attached, "_sock", attached)
        self._socket.setblocking(False)
        self._frames = Frames()
        self._pending = memoryview(b"")
        self._source: IO[bytes] | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)

    def send(self, data: bytes) -> None:
        """Queue `data`; `receive` sends it as the other side takes it."""
        self._pending = memoryview(bytes(self._pending) + data)
        self._push()

    def send_last(self, source: IO[bytes]) -> None:
        """As `send` with all that `source` holds, after which the input ends.

        Raises:
            SandboxUnavailable: the line is encrypted, and Python cannot close such a one halfway.
        """
        if isinstance(self._socket, ssl.SSLSocket):
            raise SandboxUnavailable("standard input of this size cannot be sent to an engine over TLS")
        self._source = source
        self._push()

    def receive(self, until: float) -> list[Frame]:
        """What came, at least one frame; `until` is a time of `time.monotonic`.

        Raises:
            TimeoutError: nothing came until then.
            Severed: nothing will come any more.
        """
        while True:
            self._push()
            frames = self._pull()
            if frames:
                return frames
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            writing = selectors.EVENT_WRITE if self._pending else 0
            self._selector.modify(self._socket, selectors.EVENT_READ | writing)
            self._selector.select(left)

    def close(self) -> None:
        self._selector.close()
        with suppress(OSError):
            self._socket.close()
        with suppress(OSError):
            self._attached.close()

    def _pull(self) -> list[Frame]:
        try:
            data = self._socket.recv(CHUNK)
        except AGAIN:
            return []
        except OSError as error:
            raise Severed(str(error)) from error
        if not data:
            raise Severed("end of stream")
        return list(self._frames.feed(data))

    def _push(self) -> None:
        """Send what goes. A process that takes no more input is no failure: it may still have something to say."""
        try:
            while self._pending or self._source:
                if not self._pending:
                    self._refill()
                self._pending = self._pending[self._socket.send(self._pending[:CHUNK]) :]
        except AGAIN:
            return
        except OSError:
            self._pending, self._source = memoryview(b""), None

    def _refill(self) -> None:
        assert self._source
        self._pending = memoryview(self._source.read(CHUNK))
        if not self._pending:
            self._source = None
            self._socket.shutdown(socket.SHUT_WR)
