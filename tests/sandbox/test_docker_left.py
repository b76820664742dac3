"""When `exec` returns, nothing that the command started is left: by whatever means it tried to stay."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from docker_image import engine, opened

from sandbox.api import Limits
from sandbox.docker import DockerSandbox

pytestmark = pytest.mark.docker

LIMITS = Limits(processes=120)
DAEMON = """
import os, sys, time
if os.fork(): sys.exit()
os.setsid()
if os.fork(): sys.exit()
os.execve("/bin/sleep", ["sleep", "1000"], {ENV})
"""
FORKS = """
import os, time
for _ in range(400):
    try:
        if not os.fork():
            time.sleep(100)
    except OSError:
        pass
"""
BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
SHELL_KILLER = """
import os, signal
if not os.fork():
    os.setsid()
    while True:
        os.kill(-1, 9)
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[DockerSandbox, str]]:
    with opened(LIMITS) as found:
        yield found


@pytest.fixture
def sandbox(pair: tuple[DockerSandbox, str]) -> DockerSandbox:
    return pair[0]


LIST = "for one in /proc/[0-9]*; do tr '\\0' ' ' <$one/cmdline 2>/dev/null; echo; done # list"
KEEPERS = ("sleep 14400", "-init ", "# list", "tr \\0")


def running(container: str) -> list[str]:
    """All that is no shell of a channel, nor one of the two that keep the container, nor this look itself."""
    with engine() as client:
        listed = client.containers.get(container).exec_run(["/bin/sh", "-c", LIST]).output.decode()
    commands = [line.strip() for line in listed.splitlines()]
    return [one for one in commands if one not in ("", "/bin/sh") and not any(word in one for word in KEEPERS)]


@pytest.mark.parametrize("env", ["os.environ", "{}"], ids=["with its mark", "without"])
@pytest.mark.parametrize("attested", [False, True])
def test_a_daemon_is_ended(pair: tuple[DockerSandbox, str], env: str, attested: bool) -> None:
    done = pair[0].exec(["python3", "-c", DAEMON.replace("{ENV}", env)], attested=attested)
    assert (done.exit_code, done.stderr) == (0, b"")
    assert running(pair[1]) == []


@pytest.mark.parametrize("attested", [False, True])
def test_a_deadline_ends_the_whole_tree(pair: tuple[DockerSandbox, str], attested: bool) -> None:
    began = time.monotonic()
    done = pair[0].exec("trap '' TERM INT; setsid sleep 99 & echo out; sleep 99; :", timeout=0.5, attested=attested)
    assert (done.exit_code, done.timed_out, done.stdout) == (124, True, b"out\n")
    assert time.monotonic() - began < 5
    assert running(pair[1]) == []


@pytest.mark.parametrize("attested", [False, True])
@pytest.mark.parametrize("code", [FORKS, BOMB, "import os; os.kill(-1, 9)"], ids=["400 forks", "bomb", "kill all"])
def test_a_full_process_table_is_emptied(pair: tuple[DockerSandbox, str], code: str, attested: bool) -> None:
    pair[0].exec(["python3", "-c", code], timeout=2, attested=attested)
    assert running(pair[1]) == []
    done = pair[0].exec(["echo", "next"])
    assert (done.exit_code, done.stdout) == (0, b"next\n")


def test_a_killer_of_every_shell_is_ended_by_the_engine(pair: tuple[DockerSandbox, str]) -> None:
    pair[0].write("kept", b"in the worktree")
    done = pair[0].exec(["python3", "-c", SHELL_KILLER], timeout=3)
    assert done.exit_code in (124, 137)
    assert running(pair[1]) == []
    assert pair[0].read("kept") == b"in the worktree"


def test_a_command_that_kills_its_shell_is_an_ordinary_result(sandbox: DockerSandbox) -> None:
    done = sandbox.exec("echo before; kill -9 $PPID; echo after")
    assert done.exit_code == 137
    assert done.stdout.startswith(b"before\n")
    assert b"shell of this command was killed" in done.stderr
    assert sandbox.exec("exit 7").exit_code == 7


def test_while_others_run_each_cleans_up_after_itself(pair: tuple[DockerSandbox, str]) -> None:
    """A daemon that keeps its environment, and children of the session, go at once; the other command stays."""
    sandbox, container = pair
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(sandbox.exec, "sleep 3; echo done")
        time.sleep(0.5)
        sandbox.exec(["python3", "-c", DAEMON.replace("{ENV}", "os.environ")])
        sandbox.exec("sleep 1001 & sleep 1002 & :")
        assert sandbox.exec("setsid sleep 1003", timeout=0.3).timed_out
        sandbox.exec(["python3", "-c", DAEMON.replace("{ENV}", "os.environ")], attested=True)
        seen = running(container)
        assert [one for one in seen if "sleep 100" in one] == []
        assert any("sleep 3" in one for one in seen)
        sandbox.exec(["python3", "-c", DAEMON.replace("{ENV}", "{}")])  # no trace of whose it is: goes with the last
        assert long.result().stdout == b"done\n"
    assert running(container) == []


def test_many_threads_get_their_own_output(pair: tuple[DockerSandbox, str]) -> None:
    sandbox, container = pair

    def work(number: int) -> bool:
        done = sandbox.exec(f"sleep 0.0{number % 5}; echo {number}; echo {number} >&2; exit {number}", timeout=30)
        return (done.exit_code, done.stdout, done.stderr) == (number, f"{number}\n".encode(), f"{number}\n".encode())

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(60)))
    assert running(container) == []


def test_close_ends_what_other_threads_wait_for() -> None:
    with opened() as (sandbox, _):
        outcomes: list[str] = []

        def wait() -> None:
            try:
                sandbox.exec("sleep 100", timeout=100)
            except Exception as error:  # its kind is what is asked
                outcomes.append(type(error).__name__)

        threads = [threading.Thread(target=wait) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        sandbox.close()
        for thread in threads:
            thread.join(5)
    assert outcomes == ["SandboxClosed"] * 2


def test_a_hog_of_memory_dies_alone() -> None:
    with opened(Limits(memory=128 << 20)) as (sandbox, _):
        done = sandbox.exec(["python3", "-c", "x = bytearray(400 << 20); print(len(x))"])
        assert (done.exit_code, done.stdout) == (137, b"")
        assert sandbox.exec("echo fine").stdout == b"fine\n"


@pytest.mark.parametrize("attested", [False, True])
def test_a_gigabyte_of_output_is_held_nowhere(sandbox: DockerSandbox, attested: bool) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = sandbox.exec("head -c 1G /dev/zero; echo end >&2", max_output=1000, timeout=100, attested=attested)
    assert (done.exit_code, len(done.stdout), done.stderr, done.truncated) == (0, 1000, b"end\n", True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kibibytes
    assert sandbox.exec("du -sk /tmp | cut -f1").stdout < b"1000"
