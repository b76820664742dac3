"""A scripted forge: real HTTP on loopback, with issues to read and repositories to fetch.

    with ForgeServer() as forge:
        forge.reply("/repos/o/n/issues/1", {"title": "..."})
        ...  # forge.url, forge.requests

What no script names is not found, as on a forge. A reply is the same each time it is asked for.
"""

import gzip
import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0  # seconds before it is sent


@dataclass(frozen=True)
class Request:
    path: str  # with its query
    headers: Mapping[str, str]


class ForgeServer:
    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._replies: dict[str, Reply] = {}
        self._repositories: dict[str, tuple[Path, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def reply(
        self, path: str, body: Any, status: int = 200, headers: Mapping[str, str] | None = None, pause: float = 0.0
    ) -> None:
        """Answer GET of `path` (with its query) with `body`: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._replies[path] = Reply(data, status, headers or {}, pause)

    def serve(self, path: str, repository: Path, authorization: str = "") -> None:
        """Let git fetch a repository at `path`; with `authorization`, only who sends exactly that header."""
        self._repositories[path] = (repository, authorization)

    def sent(self, header: str) -> list[str]:
        """The values of a header over all requests that had it."""
        return [request.headers[header] for request in self.requests if header in request.headers]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.requests.append(Request(path, headers))
        plain = path.partition("?")[0]
        for prefix, (repository, authorization) in self._repositories.items():
            if plain.startswith(f"{prefix}/"):
                if authorization and headers.get("Authorization") != authorization:
                    return Reply(b"", 401, {"WWW-Authenticate": 'Basic realm="forge"'})
                return _upload_pack(method, repository, headers, body)
        missing = Reply(b'{"message": "Not Found"}', 404)
        return self._replies.get(path, missing) if method == "GET" else missing

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve(b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self._serve(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)

            def _serve(self, body: bytes) -> None:
                reply = forge._answer(self.command, self.path, dict(self.headers), body)
                time.sleep(reply.pause)
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):  # a client may have had enough
                    self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                """Silent: a test that fails prints what it needs."""

        return Handler


def _upload_pack(method: str, repository: Path, headers: Mapping[str, str], body: bytes) -> Reply:
    """Git's smart HTTP protocol, for reading."""
    advertise = ["--advertise-refs"] if method == "GET" else []
    environment = {"PATH": os.environ["PATH"], "GIT_PROTOCOL": headers.get("Git-Protocol", "")}
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "upload-pack", "--stateless-rpc", *advertise, str(repository)],
        input=body,
        capture_output=True,
        env=environment,
    )
    if method == "POST":
        return Reply(done.stdout, headers={"Content-Type": "application/x-git-upload-pack-result"})
    announced = b"001e# service=git-upload-pack\n0000" + done.stdout
    return Reply(announced, headers={"Content-Type": "application/x-git-upload-pack-advertisement"})
