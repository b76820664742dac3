"""Tells how far a search is while it runs: its last line, read once a second beside the command."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sandbox.api import MEBIBYTE, Sandbox, SandboxError

EVERY = 1.0  # seconds
Heard = Callable[[bytes], None]


class Follow:
    """While it is entered, `heard` gets the content of the file at `path` each second, from a thread of its own."""

    def __init__(self, sandbox: Sandbox, path: str, heard: Heard) -> None:
        self._sandbox = sandbox
        self._path = path
        self._heard = heard
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def _follow(self) -> None:
        while not self._ended.wait(EVERY):
            try:
                data = self._sandbox.read(self._path, max_bytes=16 * MEBIBYTE)
            except FileNotFoundError:
                continue  # nothing was written yet
            except (SandboxError, OSError):
                return  # who runs the command hears of it
            self._heard(data)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if kind is None:
            self._thread.join()
