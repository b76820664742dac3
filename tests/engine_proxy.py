"""A way to the engine that a test can cut or freeze, as a dying or a wedged engine would."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ENGINE = "/var/run/docker.sock"


class EngineProxy:
    """Forwards a unix socket to the engine's. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self.asked: list[bytes] = []  # what went to the engine, as it came
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._sockets: list[socket.socket] = []
        self._engines: list[socket.socket] = []  # of them, those that lead there
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._dead = False
        self._flowing = threading.Event()
        self._flowing.set()

    def cut(self) -> None:
        """The engine dies: every connection breaks, and none can be made."""
        self._path.unlink(missing_ok=True)
        with self._lock:
            self._dead = True
            for connection in [self._listener, *self._sockets]:
                with suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def hang_up(self) -> None:
        """The engine breaks what stands, and takes new connections."""
        with self._lock:
            for connection in self._sockets:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """The engine is wedged: it takes connections, and nothing comes back."""
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thaw()
        self.cut()
        for thread in self._threads:
            thread.join()
        for connection in [self._listener, *self._sockets]:
            connection.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            with self._lock:
                self._sockets += [near, far]
                self._engines.append(far)
                if self._dead:
                    return
                far.connect(ENGINE)
            self._start(self._forward, near, far)
            self._start(self._forward, far, near)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._flowing.wait()
                if target in self._engines:
                    self.asked.append(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return
