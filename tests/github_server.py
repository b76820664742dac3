"""The fake GitHub over real HTTP on loopback: its API, and git to its bare repository."""

import base64
import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from github_fake import Answer, FakeGitHub


@contextmanager
def serving(fake: FakeGitHub) -> Iterator[str]:
    """The API under `/api/v3`, and git at `/OWNER/NAME.git`, as on a server of one's own. Yields its address."""
    problems: list[AssertionError] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake, problems.append))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    if problems:
        raise problems[0]


def _handler(fake: FakeGitHub, complain: Callable[[AssertionError], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = read_body(self)
            path = urlsplit(self.path).path
            if path.startswith(f"/{fake.repository}.git/"):
                serve_git(fake, self, path, body)
            else:
                serve_rest(fake, self, path.removeprefix("/api/v3"), body, complain)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Silent: a test that fails prints what it needs."""

    return Handler


def read_body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    parts = []
    while size := int(request.rfile.readline(), 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)


def send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


def serve_rest(
    fake: FakeGitHub,
    request: BaseHTTPRequestHandler,
    path: str,
    body: bytes,
    complain: Callable[[AssertionError], None],
) -> None:
    if request.headers.get("Authorization") not in (f"token {fake.token}", f"Bearer {fake.token}"):
        send(request, 401, b'{"message": "Bad credentials"}', {})
        return
    query = dict(parse_qsl(urlsplit(request.path).query))
    try:
        answer = fake.handle(request.command, path, query, json.loads(body) if body else None)
    except AssertionError as error:
        complain(error)
        answer = Answer(418, {"message": str(error)})
    data = json.dumps(answer.body).encode()
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    if request.command != "GET" or answer.status != 200:
        send(request, answer.status, data, {"Content-Type": "application/json", **answer.headers})
    elif request.headers.get("If-None-Match") == tag:
        fake.cached[path] += 1
        send(request, 304, b"", {"ETag": tag})
    else:
        kind = {"Content-Type": "application/json", "Cache-Control": "private, max-age=60", "ETag": tag}
        send(request, 200, data, kind | dict(answer.headers))


def serve_git(fake: FakeGitHub, request: BaseHTTPRequestHandler, path: str, body: bytes) -> None:
    """Git's own CGI program, for who has the token."""
    wanted = "Basic " + base64.b64encode(f"x-access-token:{fake.token}".encode()).decode()
    if request.headers.get("Authorization") != wanted:
        send(request, 401, b"", {"WWW-Authenticate": 'Basic realm="git"'})
        return
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": str(fake.remote),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REMOTE_USER": "x",
        "PATH_INFO": path.removeprefix(f"/{fake.repository}.git"),
        "QUERY_STRING": urlsplit(request.path).query,
        "REQUEST_METHOD": request.command,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    send(request, int(headers.pop("Status", "200").split()[0]), content, headers)
