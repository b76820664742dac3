"""A scripted OpenAI-compatible server: real HTTP on loopback, and every way in which such servers fail.

    with ModelServer([Status(429, {"Retry-After": "1"}), Say("hello")]) as server:
        ...  # server.url, server.requests

A script is a list of acts, played in order, or a function of the request. It complains when it runs out.
"""

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Say:
    """An ordinary completion; as a stream where the request asks for one."""

    text: str | None = None
    calls: Sequence[tuple[str, Any]] = ()  # name, arguments (an object, or text as it is)
    finish: str = ""
    refusal: str | None = None
    tokens: tuple[int, int] | None = None  # prompt, completion; else a quarter of the characters
    cached: int = 0
    usage: bool = True
    choices: bool = True
    pause: float = 0.0  # seconds before anything is sent


@dataclass(frozen=True)
class Status:
    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=lambda: {"message": "scripted"})


@dataclass(frozen=True)
class Raw:
    """A body with status 200, whatever it is."""

    body: bytes
    kind: str = "application/json"


@dataclass(frozen=True)
class Drop:
    """The connection ends after these many bytes of an otherwise good reply."""

    after: int
    reset: bool = False
    reply: Say = field(default_factory=lambda: Say("a reply that never arrives in full" * 20))


@dataclass(frozen=True)
class Drip:
    """One byte at a time."""

    pause: float
    reply: Say = field(default_factory=lambda: Say("slow"))


Act = Say | Status | Raw | Drop | Drip
Script = Sequence[Act] | Callable[[dict[str, Any]], Act]


def overflow() -> Status:
    error = {"message": "This model's maximum context length is 100 tokens", "code": "context_length_exceeded"}
    return Status(400, error=error)


def wrong_model() -> Status:
    return Status(404, error={"message": "The model `x` does not exist", "code": "model_not_found"})


class ModelServer:
    def __init__(self, script: Script) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.complaint = ""
        self._script = script
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                outer._serve(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self.complaint and kind is None:
            raise AssertionError(self.complaint)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        request = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        act = self._next(request, dict(handler.headers.items()))
        try:
            self._play(handler, act, request)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True  # the client gave up, as the test wants it to

    def _next(self, request: dict[str, Any], headers: dict[str, str]) -> Act:
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
            self.headers.append(headers)
        if callable(self._script):  # not under the lock: it may wait for another request
            try:
                return self._script(request)
            except AssertionError as error:
                self.complaint = str(error)
                return Status(418, error={"message": self.complaint})
        with self._lock:
            if number >= len(self._script):
                self.complaint = f"the script has {len(self._script)} acts, and request {number + 1} came"
                return Status(418, error={"message": self.complaint})
            return self._script[number]

    def _play(self, handler: BaseHTTPRequestHandler, act: Act, request: dict[str, Any]) -> None:
        match act:
            case Status():
                send(handler, json.dumps({"error": act.error}).encode(), act.code, act.headers)
            case Raw():
                send(handler, act.body, kind=act.kind)
            case Say():
                time.sleep(act.pause)
                send(handler, *wire(act, request))
            case Drop():
                cut(handler, wire(act.reply, request)[0], act.after, act.reset)
            case Drip():
                body = wire(act.reply, request)[0]
                start(handler, len(body))
                for byte in body:
                    handler.wfile.write(bytes([byte]))
                    handler.wfile.flush()
                    time.sleep(act.pause)


def wire(reply: Say, request: dict[str, Any]) -> tuple[bytes, int, Mapping[str, str], str]:
    """What `send` takes for a reply to a request."""
    done = completion(reply, request)
    if not request.get("stream"):
        return json.dumps(done).encode(), 200, {}, "application/json"
    lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks(done))
    return (lines + "data: [DONE]\n\n").encode(), 200, {}, "text/event-stream"


def completion(reply: Say, request: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
            }
            for number, (name, given) in enumerate(reply.calls)
        ]
    prompt, out = reply.tokens or (len(json.dumps(request["messages"])) // 4, len(json.dumps(message)) // 4)
    usage = {"prompt_tokens": prompt, "completion_tokens": out, "total_tokens": prompt + out}
    finish = reply.finish or ("tool_calls" if reply.calls else "stop")
    done = {
        "id": "scripted",
        "object": "chat.completion",
        "created": 0,
        "model": f"{request['model']}-as-served",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}] if reply.choices else [],
    }
    return done | ({"usage": usage | {"prompt_tokens_details": {"cached_tokens": reply.cached}}} if reply.usage else {})


def chunks(done: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A completion in small pieces, as servers stream it: usage last, in a chunk without choices."""
    base = {**done, "object": "chat.completion.chunk", "choices": [], "usage": None}
    for choice in done["choices"]:
        message = choice["message"]
        text = message["content"] or ""
        for start_at in range(0, len(text), 7):
            yield base | {"choices": [{"index": 0, "delta": {"content": text[start_at : start_at + 7]}}]}
        for index, call in enumerate(message.get("tool_calls", ())):
            given = call["function"]["arguments"]
            head = {"index": index, **call, "function": {"name": call["function"]["name"], "arguments": ""}}
            yield base | {"choices": [{"index": 0, "delta": {"tool_calls": [head]}}]}
            for start_at in range(0, len(given), 5):
                piece = {"index": index, "function": {"arguments": given[start_at : start_at + 5]}}
                yield base | {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
        yield base | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    yield base | {"usage": done.get("usage")}


def send(
    handler: BaseHTTPRequestHandler,
    body: bytes,
    code: int = 200,
    headers: Mapping[str, str] = {},
    kind: str = "application/json",
) -> None:
    handler.send_response(code)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def start(handler: BaseHTTPRequestHandler, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(length))
    handler.end_headers()


def cut(handler: BaseHTTPRequestHandler, body: bytes, after: int, reset: bool) -> None:
    start(handler, len(body))
    handler.wfile.write(body[:after])
    handler.wfile.flush()
    handler.close_connection = True
    if reset:  # RST in place of FIN
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()


def replies(path: Path) -> list[Act]:
    """A script from a file: a JSON list of {"text", "calls": [[name, arguments], ...]}."""
    return [
        Say(row.get("text"), [(name, given) for name, given in row.get("calls", [])])
        for row in json.loads(path.read_text())
    ]


if __name__ == "__main__":  # model_server.py SCRIPT.json: serves until its input is closed; prints its address
    with ModelServer(replies(Path(sys.argv[1]))) as running:
        print(running.url, flush=True)
        sys.stdin.read()
