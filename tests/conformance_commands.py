"""Checks of what a command gets, prints and returns."""

import os
import signal
import tracemalloc

import pytest
from sandbox_conformance import Ground, said

from sandbox.api import MEBIBYTE

ALL_BYTES = bytes(range(256))
PYTHON_COPY = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"


def check_words_reach_a_command_as_they_are(ground: Ground) -> None:
    words = ["a b", "", "*", "$HOME", "`id`", "-n", "ü\n", "'\"\\", "--", "\udcff"]
    done = ground.sandbox.exec(["printf", "%s|", *words])
    assert done.stdout == b"".join(os.fsencode(word) + b"|" for word in words)


def check_a_string_is_run_by_the_shell(ground: Ground) -> None:
    assert said(ground.sandbox, "a=1; echo $((a + 1)) | tr 2 x && exit 0") == "x"


def check_commands_start_in_the_worktree(ground: Ground) -> None:
    assert said(ground.sandbox, "pwd -P") == ground.sandbox.workdir


def check_cwd_is_relative_to_the_worktree_or_absolute(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, ["mkdir", name])
    workdir = ground.sandbox.workdir
    assert ground.sandbox.exec("pwd -P", cwd=name).stdout == f"{workdir}/{name}\n".encode()
    assert ground.sandbox.exec("pwd -P", cwd=f"{workdir}/{name}").stdout == f"{workdir}/{name}\n".encode()
    assert ground.sandbox.exec("pwd -P", cwd="/").stdout == b"/\n"


def check_a_cwd_that_is_missing_is_told_as_such(ground: Ground) -> None:
    with pytest.raises(FileNotFoundError):
        ground.sandbox.exec("echo ran", cwd="no such folder")


def check_the_images_environment_is_set_for_every_command(ground: Ground) -> None:
    assert said(ground.sandbox, ["printenv", "OF_IMAGE"]) == "from the image"


def check_an_environment_is_added_for_one_command(ground: Ground) -> None:
    values = {"ADDED": "two\nlines ", "EQUAL": "a=b=c", "UNICODE": "ü", "BYTES": "\udcff\udc80", "EMPTY": ""}
    for name, value in values.items():
        done = ground.sandbox.exec(["printenv", name], env=values)
        assert done.stdout == os.fsencode(value) + b"\n"
    assert ground.sandbox.exec(["printenv", "OF_IMAGE"], env={"OF_IMAGE": "mine"}).stdout == b"mine\n"
    assert ground.sandbox.exec(["printenv", "ADDED"]).exit_code == 1


def check_nothing_of_the_harness_enters_but_its_locale_and_time_zone(ground: Ground) -> None:
    before = {name: os.environ.get(name) for name in ("SECRET_TOKEN", "TZ")}
    os.environ.update(SECRET_TOKEN="hunter2", TZ="Asia/Kathmandu")
    try:
        with ground.open() as sandbox:
            found = said(sandbox, "env; cat /proc/self/environ /proc/$PPID/environ 2>/dev/null | tr '\\0' '\\n'; true")
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    assert "TZ=Asia/Kathmandu" in found.splitlines()
    assert "hunter2" not in found


def check_standard_input_is_binary(ground: Ground) -> None:
    assert ground.sandbox.exec(["cat"], stdin=ALL_BYTES).stdout == ALL_BYTES


def check_standard_input_may_be_large(ground: Ground) -> None:
    data = os.urandom(5 * MEBIBYTE)
    done = ground.sandbox.exec(["cat"], stdin=data, max_output=6 * MEBIBYTE)
    assert done.stdout == data
    assert not done.truncated


def check_without_standard_input_it_is_at_its_end(ground: Ground) -> None:
    done = ground.sandbox.exec("cat; echo end", timeout=20)
    assert (done.stdout, done.exit_code) == (b"end\n", 0)


def check_standard_input_need_not_be_read(ground: Ground) -> None:
    done = ground.sandbox.exec("echo ran", stdin=bytes(5 * MEBIBYTE))
    assert (done.stdout, done.exit_code) == (b"ran\n", 0)


def check_exit_codes(ground: Ground) -> None:
    codes = (0, 1, 2, 77, 124, 126, 127, 128, 255)
    assert [ground.sandbox.exec(f"exit {code}").exit_code for code in codes] == list(codes)
    assert not ground.sandbox.exec("exit 124").timed_out


def check_a_signal_is_128_and_its_number(ground: Ground) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE):
        assert ground.sandbox.exec(f"kill -{int(number)} $$").exit_code == 128 + number


def check_a_missing_executable_is_127(ground: Ground) -> None:
    for command in (["no-such-program", "x"], "no-such-program", ["/no/such/program"], ["./no-such-program"]):
        done = ground.sandbox.exec(command)
        assert done.exit_code == 127
        assert b"no" in done.stderr


def check_what_is_not_executable_is_126(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(name, b"#!/bin/sh\necho ran\n", mode=0o644)
    assert ground.sandbox.exec([f"./{name}"]).exit_code == 126
    assert ground.sandbox.exec(["/"]).exit_code == 126


def check_arguments_longer_than_the_system_takes_are_126(ground: Ground) -> None:
    assert ground.sandbox.exec(["true", "x" * MEBIBYTE]).exit_code == 126


def check_output_and_errors_stay_apart(ground: Ground) -> None:
    done = ground.sandbox.exec("echo out; echo err >&2; echo out; echo err >&2")
    assert (done.stdout, done.stderr) == (b"out\nout\n", b"err\nerr\n")


def check_output_may_be_anything(ground: Ground) -> None:
    code = "import sys; d = bytes(range(256)) * 4; sys.stdout.buffer.write(d); sys.stderr.buffer.write(d[::-1])"
    done = ground.sandbox.exec(["python3", "-c", code])
    assert (done.stdout, done.stderr) == (ALL_BYTES * 4, (ALL_BYTES * 4)[::-1])


def check_output_need_not_end_with_a_newline(ground: Ground) -> None:
    done = ground.sandbox.exec("printf out; printf err >&2")
    assert (done.stdout, done.stderr) == (b"out", b"err")
    assert ground.sandbox.exec("printf '\\n\\n'").stdout == b"\n\n"
    assert ground.sandbox.exec(["true"]).stdout == b""


def check_a_flood_is_drained_and_its_beginning_kept(ground: Ground) -> None:
    """The command ends by itself, nothing of it blocks, and we don't hold what it printed."""
    tracemalloc.start()
    try:
        done = ground.sandbox.exec(
            "(yes out | head -c 30000000) & (yes err | head -c 30000000) >&2; wait; exit 3", max_output=1000
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (done.exit_code, done.truncated, done.timed_out) == (3, True, False)
    assert done.stdout == b"out\n" * 250
    assert done.stderr == b"err\n" * 250
    assert peak < 8 * MEBIBYTE


def check_output_of_just_the_limit_is_whole(ground: Ground) -> None:
    done = ground.sandbox.exec("printf 12345; printf 12345 >&2", max_output=5)
    assert (done.stdout, done.stderr, done.truncated) == (b"12345", b"12345", False)
    done = ground.sandbox.exec("printf 123456", max_output=5)
    assert (done.stdout, done.truncated) == (b"12345", True)
    done = ground.sandbox.exec("echo x; exit 4", max_output=0)
    assert (done.stdout, done.truncated, done.exit_code) == (b"", True, 4)


def check_nothing_but_files_is_kept_from_command_to_command(ground: Ground) -> None:
    before = said(ground.sandbox, "pwd; umask; ulimit -n; echo ${LEAK-none}")
    done = ground.sandbox.exec(
        "cd /; umask 0; ulimit -n 64; export LEAK=1; alias pwd=false; trap 'exit 9' EXIT; exit 0"
    )
    assert done.exit_code == 9
    assert said(ground.sandbox, "pwd; umask; ulimit -n; echo ${LEAK-none}") == before


def check_files_are_kept_from_command_to_command(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, f'echo tree >{name}; echo tmp >"$TMPDIR/{name}" || echo tmp >/tmp/{name}')
    assert said(ground.sandbox, f'cat {name} "${{TMPDIR:-/tmp}}/{name}"') == "tree\ntmp"


def check_the_home_can_be_written(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, f"echo home >~/{name}")
    assert said(ground.sandbox, f"cat ~/{name}") == "home"


def check_attested_or_not_a_command_does_the_same(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, ["mkdir", name])
    command = 'echo "$A"; pwd -P; cat; echo err >&2; exit 7'
    results = [
        ground.sandbox.exec(command, cwd=name, env={"A": "a\nb"}, stdin=ALL_BYTES, attested=attested)
        for attested in (False, True)
    ]
    plain, attested = ((done.exit_code, done.stdout, done.stderr, done.truncated) for done in results)
    assert plain == attested
    assert plain[0] == 7
    codes = [ground.sandbox.exec(one, attested=True).exit_code for one in ("kill -9 $$", ["no-such-program"], "exit 0")]
    assert codes == [137, 127, 0]


def check_an_attested_command_has_a_deadline_and_a_cap(ground: Ground) -> None:
    done = ground.sandbox.exec("printf 123456; sleep 60", attested=True, timeout=1.0, max_output=5)
    assert (done.stdout, done.truncated, done.timed_out, done.exit_code) == (b"12345", True, True, 124)
