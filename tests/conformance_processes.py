"""Checks of what runs: deadlines, what a command leaves behind, limits, threads, and the end of a sandbox."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sandbox_conformance import Check, Ground, alive, mark, said, until

from sandbox.api import MEBIBYTE, ExecResult, Limits, Sandbox, SandboxClosed, SandboxError, SandboxUnavailable

SLACK = 20.0  # seconds beyond a deadline, on a machine that does other things too
# Ways to get away from whoever waits for a command; {mark} is how long it sleeps.
ESCAPES = {
    "in_the_background": "sleep {mark} &",
    "ignoring_signals": "trap '' TERM HUP INT; sleep {mark} &",
    "by_nohup": "nohup sleep {mark} >/dev/null 2>&1 &",
    "in_a_session_of_its_own": "setsid sleep {mark} >/dev/null 2>&1 </dev/null &",
    "forked_twice": "(setsid sh -c 'sleep {mark} & exit' >/dev/null 2>&1 </dev/null &)",
    "without_an_environment": "(env -i setsid sh -c 'env -i sleep {mark} & exit' >/dev/null 2>&1 &)",
    "stopped": "setsid sleep {mark} >/dev/null 2>&1 & kill -STOP $!",
    "forking_on": "setsid sh -c 'while :; do sleep {mark} & sleep 0.05; done' >/dev/null 2>&1 &",
    "holding_the_output": "(trap '' TERM; sleep {mark}) &",
}


def _ended_command(escape: str) -> Check:
    def check(ground: Ground) -> None:
        marked = mark()
        began = time.monotonic()
        done = ground.sandbox.exec(f"{escape.format(mark=marked)}\nsleep 0.1; echo done; exit 5", timeout=60)
        assert (done.stdout, done.exit_code, done.timed_out) == (b"done\n", 5, False)
        assert alive(marked) == []
        assert time.monotonic() - began < SLACK

    return check


def _timed_out_command(escape: str) -> Check:
    def check(ground: Ground) -> None:
        marked = mark()
        began = time.monotonic()
        done = ground.sandbox.exec(f"echo begun; {escape.format(mark=marked)}\nsleep {marked}", timeout=0.7)
        assert (done.stdout, done.exit_code, done.timed_out) == (b"begun\n", 124, True)
        assert alive(marked) == []
        assert 0.7 <= time.monotonic() - began < SLACK

    return check


ESCAPE_CHECKS: dict[str, Check] = {
    **{f"a_child_is_gone_with_its_command_{name}": _ended_command(escape) for name, escape in ESCAPES.items()},
    **{f"a_child_is_gone_at_the_deadline_{name}": _timed_out_command(escape) for name, escape in ESCAPES.items()},
}


def check_a_deadline_is_kept_and_told(ground: Ground) -> None:
    began = time.monotonic()
    done = ground.sandbox.exec("echo out; echo err >&2; trap '' TERM INT; sleep 60; sleep 60", timeout=0.5)
    assert time.monotonic() - began < SLACK
    assert (done.timed_out, done.exit_code, done.ok) == (True, 124, False)
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    assert done.seconds >= 0.5


def check_a_deadline_ends_a_flood(ground: Ground) -> None:
    began = time.monotonic()
    done = ground.sandbox.exec("yes", timeout=0.5, max_output=10)
    assert time.monotonic() - began < SLACK
    assert (done.timed_out, done.truncated, done.stdout) == (True, True, b"y\ny\ny\ny\ny\n")


def check_a_stopped_command_meets_its_deadline(ground: Ground) -> None:
    assert ground.sandbox.exec("kill -STOP $$", timeout=0.5).timed_out


def check_the_sandbox_can_be_used_after_a_deadline(ground: Ground) -> None:
    ground.sandbox.exec("sleep 60", timeout=0.3)
    assert said(ground.sandbox, "echo still here") == "still here"


def check_400_forks(ground: Ground) -> None:
    code = (
        "import os, signal\n"
        "children = []\n"
        "for _ in range(400):\n"
        "    child = os.fork()\n"
        "    if not child: signal.pause()\n"
        "    children.append(child)\n"
        "for child in children: os.kill(child, 9)\n"
        "print(sum(os.waitpid(child, 0)[0] == child for child in children))\n"
    )
    assert ground.sandbox.exec(["python3", "-c", code]).stdout == b"400\n"


def check_a_fork_bomb_is_bounded_and_gone(ground: Ground) -> None:
    marked = mark()
    code = (
        "import os, time\n"
        "for count in range(400):\n"
        "    try: child = os.fork()\n"
        "    except BlockingIOError: break\n"
        "    if not child: time.sleep(600)\n"
        "print(count)\n"
    )
    with ground.open(Limits(processes=60)) as sandbox:
        done = sandbox.exec(["python3", "-c", code, marked])
        assert done.ok, done
        assert 10 < int(done.stdout) < 60
        assert alive(marked) == []
        assert said(sandbox, "echo still here") == "still here"
        bomb = sandbox.exec(f": {marked}; b() {{ b | b & b; }}; b", timeout=1.0)
        assert not bomb.ok
        assert alive(marked) == []
        assert said(sandbox, "echo still here") == "still here"


def check_a_memory_hog_ends_only_itself(ground: Ground) -> None:
    with ground.open(Limits(memory=256 * MEBIBYTE)) as sandbox, ThreadPoolExecutor() as pool:
        other = pool.submit(sandbox.exec, "sleep 2; echo survived")
        done = sandbox.exec(["python3", "-c", "x = bytearray(1 << 30); print(len(x))"])
        assert done.exit_code in (1, 137)
        assert done.stdout == b""
        assert other.result().stdout == b"survived\n"
        assert said(sandbox, "echo still here") == "still here"


def check_the_size_of_a_file_is_bounded(ground: Ground) -> None:
    with ground.open(Limits(file_size=MEBIBYTE)) as sandbox:
        assert not sandbox.exec("head -c 3000000 /dev/zero >large").ok
        assert int(said(sandbox, "wc -c <large")) <= MEBIBYTE


def check_the_number_of_open_files_is_bounded(ground: Ground) -> None:
    code = "import itertools, os\ntry:\n  for n in itertools.count(): os.dup(0)\nexcept OSError: print(n)"
    with ground.open(Limits(open_files=100)) as sandbox:
        assert 50 < int(sandbox.exec(["python3", "-c", code]).stdout) <= 100


def check_commands_side_by_side_keep_apart(ground: Ground) -> None:
    def run(number: int) -> ExecResult:
        command = f"cat; for i in 1 2 3 4 5; do echo {number}; echo e{number} >&2; sleep 0.02; done; exit {number}"
        return ground.sandbox.exec(command, stdin=f"in{number}\n".encode(), env={"N": str(number)})

    with ThreadPoolExecutor(8) as pool:
        for number, done in enumerate(pool.map(run, range(24))):
            assert done.exit_code == number
            assert done.stdout == f"in{number}\n".encode() + f"{number}\n".encode() * 5
            assert done.stderr == f"e{number}\n".encode() * 5


def check_the_end_of_one_command_is_not_the_end_of_another(ground: Ground) -> None:
    """Nor of what the other detached while it still runs."""
    name, marked = ground.name(), mark()
    with ThreadPoolExecutor() as pool:
        long = pool.submit(
            ground.sandbox.exec,
            f"env -i setsid sleep {marked} >/dev/null 2>&1 & while [ ! -e {name} ]; do sleep 0.05; done; echo whole",
        )
        until(lambda: alive(marked) != [])
        for _ in range(3):
            ground.sandbox.exec("sleep 100 & exit 0")
            ground.sandbox.exec("sleep 100", timeout=0.1)
        assert alive(marked) != []
        ground.sandbox.write(name, b"")
        done = long.result(60)
    assert (done.stdout, done.exit_code) == (b"whole\n", 0)
    assert alive(marked) == []


METHODS: dict[str, Callable[[Sandbox, Ground], object]] = {
    "exec": lambda sandbox, _: sandbox.exec(["true"]),
    "attested": lambda sandbox, _: sandbox.exec(["true"], attested=True),
    "read": lambda sandbox, _: sandbox.read("x"),
    "write": lambda sandbox, _: sandbox.write("x", b""),
    "copy_in": lambda sandbox, ground: sandbox.copy_in(ground.folder, "x"),
    "copy_out": lambda sandbox, ground: sandbox.copy_out("x", ground.folder / "x"),
    "snapshot": lambda sandbox, _: sandbox.snapshot(),
    "reset": lambda sandbox, _: sandbox.reset("x"),
}


def check_after_close_nothing_can_be_done_but_close(ground: Ground) -> None:
    sandbox = ground.open()
    sandbox.write("x", b"")
    sandbox.close()
    for name, method in METHODS.items():
        with pytest.raises(SandboxClosed):
            pytest.fail(f"{name} went through: {method(sandbox, ground)}")
    sandbox.close()


def check_close_ends_what_runs_in_another_thread(ground: Ground) -> None:
    marked = mark()
    errors: list[SandboxError] = []
    sandbox = ground.open()

    def run() -> None:
        try:
            sandbox.exec(f"setsid sleep {marked} & sleep {marked}", timeout=300)
        except (SandboxUnavailable, SandboxClosed) as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: len(alive(marked)) > 1)
    sandbox.close()
    assert alive(marked) == []
    thread.join(SLACK)
    assert not thread.is_alive()
    assert len(errors) == 1


def check_leaving_by_an_error_removes_the_sandbox(ground: Ground) -> None:
    with pytest.raises(ZeroDivisionError), ground.open() as sandbox:
        raise ZeroDivisionError
    with pytest.raises(SandboxClosed):
        sandbox.exec(["true"])


def check_two_sandboxes_know_nothing_of_each_other(ground: Ground) -> None:
    name = ground.name()
    with ground.open() as other:
        other.write(name, b"")
        other.exec(f'echo x >"${{TMPDIR:-/tmp}}/{name}"; echo x >~/{name}')
        assert ground.sandbox.exec(["test", "-e", name]).exit_code == 1
        assert ground.sandbox.exec(f'test -e "${{TMPDIR:-/tmp}}/{name}" || test -e ~/{name}').exit_code == 1


def check_many_commands_leave_no_descriptors(ground: Ground) -> None:
    ground.sandbox.exec(["true"])
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(5):
        ground.sandbox.exec("cat", stdin=b"x")
        ground.sandbox.exec("sleep 9", timeout=0.05)
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # noqa: PTH208
