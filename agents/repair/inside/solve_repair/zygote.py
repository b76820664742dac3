"""Fresh processes without the price of one: a fork made before anything of the repository is imported.

It waits, with pytest loaded and nothing else. For each candidate it forks a child that sees the candidate's text in
place of the file's, returns into pytest's ordinary start, and imports, collects and runs as a new process would.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import select
import socket
from dataclasses import dataclass
from types import CodeType
from typing import Any

from solve_repair import forks

COLLECT = 10.0  # CPU seconds a child may use before its first test


@dataclass
class Role:
    """What a fresh child is to do once it has collected; sends lines as `workers.through` does."""

    tests: list[str]
    durations: dict[str, float]
    writer: int

    def send(self, row: dict[str, Any]) -> None:
        forks.send(self.writer, row)


class Zygote:
    """The parent's end. One request at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.busy = False
        self.cpu = 0.0  # seconds that it and its children used

    def fileno(self) -> int:
        return self._connection.fileno()

    def ask(self, path: str, text: bytes, tests: list[str], durations: dict[str, float], seconds: float) -> None:
        """`path` absolute; `seconds`: wall time without a line after which the child is killed."""
        row = {
            "path": path,
            "text": text.decode("utf-8", "surrogateescape"),
            "tests": tests,
            "durations": durations,
            "seconds": seconds,
        }
        _put(self._connection, row)
        self.busy = True

    def answer(self, timeout: float) -> dict[str, Any] | None:
        """{"passed": bool, "test": the first that did not}; None where nothing came in `timeout` seconds."""
        if not select.select([self._connection], [], [], timeout)[0]:
            return None
        self.busy = False
        answer = _get(self._connection) or {"passed": False, "test": "the fresh process could not be made", "ran": 0}
        self.cpu = answer.get("cpu", self.cpu)
        return answer

    def close(self) -> None:
        self._connection.close()


def start() -> tuple[Zygote | None, Role | None]:
    """Fork the zygote. Returns (its handle, None) in this process, and (None, a role) in each fresh child."""
    here, there = socket.socketpair()
    pid = os.fork()
    if pid:
        there.close()
        return Zygote(here), None
    here.close()
    forks.silence()
    while True:
        request = _get(there)
        if request is None:
            forks.leave()
        assert request is not None
        child, fd = forks.spawn()
        if child == 0:
            overlay(request["path"], request["text"].encode("utf-8", "surrogateescape"))
            forks.cpu_limit(COLLECT)
            there.close()
            return None, Role(request["tests"], request["durations"], fd)
        _put(there, _verdict(forks.Fork(child, fd).wait(request["seconds"])))


def _verdict(rows: list[dict[str, Any]]) -> dict[str, Any]:
    bad = next((row["t"] for row in rows if "t" in row and not row["ok"]), "")
    passed = bool(rows) and rows[-1].get("end") is True
    return {"passed": passed, "test": bad, "ran": len(rows), "cpu": forks.used()}


def overlay(path: str, text: bytes) -> None:
    """From now on an import of `path` gets `text`; its cached bytecode is not looked at."""
    loader = importlib.machinery.SourceFileLoader
    ordinary = loader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
        if os.path.realpath(self.get_filename(fullname)) == path:
            code: CodeType = self.source_to_code(text, self.get_filename(fullname))
            return code
        return ordinary(self, fullname)

    loader.get_code = get_code  # type: ignore[method-assign]


def _put(connection: socket.socket, row: dict[str, Any]) -> None:
    data = json.dumps(row).encode()
    connection.sendall(len(data).to_bytes(8, "big") + data)


def _get(connection: socket.socket) -> dict[str, Any] | None:
    """One message; None at the end of the stream."""
    head = _exactly(connection, 8)
    body = _exactly(connection, int.from_bytes(head, "big")) if head else b""
    return json.loads(body) if body else None


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(min(1 << 16, size - len(data)))
        if not part:
            return b""
        data += part
    return data
