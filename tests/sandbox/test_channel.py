"""The pieces of the channel without an engine: frames, marks, shell text, and a real shell on a socket pair."""

import ast
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.channel import Capture, Channel, Request, program
from sandbox.command import SHORT_INPUT, Command
from sandbox.line import Frames, Line, Severed

ENV = b"/usr/bin/env"
words = st.binary(max_size=60).map(lambda word: word.replace(b"\0", b"\x81"))
names = st.sampled_from(["A", "a_1", "IFS", "PS4", "OPTIND", "PPID", "with-dash", "with.dot", "PWD", "OLDPWD", "é"])


def framed(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return (data[start:end] for start, end in pairwise(ends))


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50))), st.lists(st.integers(0, 10_000)))
def test_frames_survive_any_cut(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    frames = Frames()
    wire = b"".join(framed(stream, data) for stream, data in sent)
    came = [frame for piece in pieces(wire, cuts) for frame in frames.feed(piece)]
    for stream in (1, 2):
        assert b"".join(data for at, data in came if at == stream) == b"".join(d for s, d in sent if s == stream)


@given(st.binary(max_size=200), st.binary(max_size=40), st.integers(0, 250), st.lists(st.integers(0, 10_000)))
def test_a_mark_ends_a_stream_wherever_it_is_cut(data: bytes, rest: bytes, limit: int, cuts: list[int]) -> None:
    mark = b"0123456789abcdef"
    capture = Capture(limit, mark)
    for piece in pieces(data + mark + rest, cuts):
        capture.feed(piece)
    assert capture.value() == data[:limit]
    assert capture.truncated == (len(data) > limit)
    assert capture.after == rest


@given(st.binary(max_size=100), st.lists(st.integers(0, 10_000)))
def test_a_stream_without_its_mark_is_kept_whole(data: bytes, cuts: list[int]) -> None:
    capture = Capture(1000, b"0123456789abcdef")
    for piece in pieces(data, cuts):
        capture.feed(piece)
    capture.flush()
    assert (capture.value(), capture.after) == (data, None)


def test_a_flood_is_dropped_not_held() -> None:
    sink = BytesIO()
    capture = Capture(10, b"mark", sink)
    for _ in range(1000):
        capture.feed(b"x" * 100_000)
    assert (sink.getbuffer().nbytes, capture.truncated) == (10, True)


def shell(command: Command) -> subprocess.CompletedProcess[bytes]:
    text = program() + b"\n" + command.short_input() + b"(" + command.text(ENV) + b") 2>&9 9>&-\n"
    return subprocess.run(["/bin/sh"], input=text, capture_output=True, check=False)


SHOW = """
import os, sys
print([[os.fsencode(word) for word in sys.argv[1:]], dict(os.environb), sys.stdin.buffer.read()])
"""


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(words, max_size=4), st.dictionaries(names, words, max_size=4), st.binary(max_size=100))
def test_any_bytes_reach_the_command(args: list[bytes], env: dict[str, bytes], stdin: bytes) -> None:
    """Newlines, quotes, bytes that are no UTF-8 and those a shell uses for itself; names that mean something to it."""
    argv = [sys.executable, "-ISc", SHOW, *map(os.fsdecode, args)]
    done = shell(Command.of(argv, "/", {name: os.fsdecode(value) for name, value in env.items()}, stdin))
    assert done.stdout[:1] == b"1", done.stderr
    seen_args, seen_env, seen_stdin = ast.literal_eval(done.stdout[1:].decode())
    assert (seen_args, seen_stdin) == (args, stdin)
    assert {os.fsencode(name): value for name, value in env.items()}.items() <= seen_env.items()


@pytest.mark.parametrize("bad", [{"command": []}, {"command": ["a\0"]}, {"env": {"A=": ""}}, {"env": {"": "x"}}])
def test_what_cannot_be_passed_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Command.of(**{"command": ["true"], "cwd": "/", "env": {}, "stdin": b""} | bad)  # type: ignore[arg-type]


@pytest.fixture
def channel() -> Iterator[Channel]:
    """A shell on this machine, with its output framed as an engine does."""
    near, far = socket.socketpair()
    process = subprocess.Popen(
        ["/bin/sh"], stdin=far, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    lock = threading.Lock()

    def forward(stream: int, pipe: int) -> None:
        while data := os.read(pipe, 1000):
            with lock:
                far.sendall(framed(stream, data))

    assert process.stdout
    assert process.stderr
    threads = [
        threading.Thread(target=forward, args=(1, process.stdout.fileno())),
        threading.Thread(target=forward, args=(2, process.stderr.fileno())),
    ]
    for thread in threads:
        thread.start()
    opened = Channel(Line(near), "name", time.monotonic() + 10)
    yield opened
    process.kill()
    process.wait()
    for thread in threads:
        thread.join()
    process.stdout.close()
    process.stderr.close()
    opened.close()
    far.close()


def ran(channel: Channel, command: list[str], limit: int = 1 << 20, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    request = channel.start(Command.of(command, "/", {}, stdin), limit)
    reply = channel.wait(request, time.monotonic() + 10)
    return reply.code, request.out.value(), request.err.value()


def test_one_shell_runs_command_after_command(channel: Channel) -> None:
    assert ran(channel, ["sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, b"out\n", b"err\n")
    assert ran(channel, ["cat"], stdin=bytes(range(256))) == (0, bytes(range(256)), b"")
    assert ran(channel, ["sh", "-c", "kill -SEGV $$"]) == (139, b"", b"")  # and the shell's own remark is not output
    assert ran(channel, ["no-such-program"])[0] == 127
    assert ran(channel, ["/"])[0] == 126
    assert ran(channel, ["true"], stdin=b"x" * SHORT_INPUT) == (0, b"", b"")


def test_output_without_newline_and_beyond_the_limit(channel: Channel) -> None:
    assert ran(channel, ["printf", "no newline"]) == (0, b"no newline", b"")
    assert ran(channel, ["sh", "-c", "yes | head -c 3000000"], limit=5) == (0, b"y\ny\ny", b"")
    assert ran(channel, ["echo", "next"]) == (0, b"next\n", b"")


def test_a_command_that_signals_its_group_leaves_the_shell(channel: Channel) -> None:
    for name in ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ALRM"):
        code, _, _ = ran(channel, ["sh", "-c", f"kill -{name} 0; sleep 9"])
        assert code > 128
    assert ran(channel, ["sh", "-c", "trap"]) == (0, b"", b"")  # and its children have the default again


def test_a_missing_folder_is_told_from_a_failure(channel: Channel) -> None:
    request = channel.start(Command.of(["true"], "/no/such", {}, b""), 10)
    channel.wait(request, time.monotonic() + 10)
    assert request.begun is False


def test_a_deadline_passes_and_the_request_goes_on(channel: Channel) -> None:
    request = channel.start(Command.of(["sh", "-c", "echo a; sleep 0.3; echo b"], "/", {}, b""), 100)
    with pytest.raises(TimeoutError):
        channel.wait(request, time.monotonic() + 0.1)
    assert channel.wait(request, time.monotonic() + 10).code == 0
    assert request.out.value() == b"a\nb\n"


def test_what_no_shell_of_ours_would_say_is_a_severed_line() -> None:
    request = Request(10)
    request.take([(1, b"1" + request.mark + b"zero\n"), (2, request.mark)])
    with pytest.raises(Severed):
        assert request.reply


def test_no_shell_is_told_with_what_was_said() -> None:
    near, far = socket.socketpair()
    far.sendall(framed(1, b"exec /bin/sh: no such file"))
    far.shutdown(socket.SHUT_WR)
    with pytest.raises(Severed, match="no such file"):
        Channel(Line(near), "name", time.monotonic() + 5)
    far.close()
