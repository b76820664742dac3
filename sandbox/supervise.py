"""Run commands for one sandbox and leave nothing of them running. A program, started by `sandbox.supervisor`.

    python -I -S supervise.py SOCKET LIMITS GROUPS

It joins the control group through the files GROUPS (separated by `:`), and serves requests from the stream SOCKET until
its other end is closed: that also happens when the harness is killed, and everything then is. A request is 8 bytes of
length, with four descriptors (the standard three and REPORT), and JSON: the working directory, the arguments, the
environment. LIMITS are rlimits as `NUMBER:VALUE,...`.

Each command gets a process of its own over it that is the reaper of its descendants: whatever the command forked,
detached, put into another session or stripped of its environment comes back there when its parent dies, and stays apart
from what other commands do. It writes to REPORT `cwd` if the directory cannot be entered, `broken` and why if a limit
cannot be set, else `exit N` or `signal N`, and closes it when all are gone. A byte from REPORT, or its end, or SIGTERM,
ends the command early.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PATIENCE = 5.0  # seconds: what resists SIGKILL longer sits in the kernel, and no waiting helps
LENGTH = 8  # bytes
LINUX = sys.platform == "linux"


def main() -> None:
    door, limits, groups = sys.argv[1:]
    for group in filter(None, groups.split(":")):
        with open(group, "w") as file:  # noqa: PTH123
            file.write("0")
    become_reaper()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that serve a command
    with socket.socket(fileno=int(door)) as requests:
        while request := receive(requests):
            cwd, command, environment, descriptors = request
            if os.fork() == 0:
                try:
                    requests.close()
                    serve(cwd, command, environment, limits, descriptors)
                finally:
                    os._exit(0)
            for descriptor in descriptors:
                os.close(descriptor)
    end_descendants(0)


def receive(requests: socket.socket) -> tuple[str, list[str], dict[str, str], list[int]] | None:
    head, descriptors, _, _ = socket.recv_fds(requests, LENGTH, 4)
    while 0 < len(head) < LENGTH:
        head += requests.recv(LENGTH - len(head))
    left, body = int.from_bytes(head, "big"), b""
    while left and (data := requests.recv(min(left, 1 << 20))):
        body, left = body + data, left - len(data)
    return (*json.loads(body), descriptors) if head and not left else None


def serve(cwd: str, command: list[str], environment: dict[str, str], limits: str, descriptors: list[int]) -> None:
    """Run one command to its end, in a process of its own."""
    *standard, report = descriptors
    os.set_inheritable(report, False)
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    become_reaper()
    bell, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    child = os.fork()
    if child == 0:
        try:
            code = start(report, limits, cwd, command, environment)
        except OSError as error:  # a limit that cannot be set: not the command's fault
            os.write(report, f"broken {error}".encode())
            code = 126
        os._exit(code)
    for number in range(3):  # an end of a pipe that we held would keep it open
        os.close(number)
    status = wait_for(child, bell, report)
    end_descendants(child)
    if status is not None:
        code = os.waitstatus_to_exitcode(status)
        os.write(report, (f"exit {code}" if code >= 0 else f"signal {-code}").encode())


def become_reaper() -> None:
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(report: int, limits: str, cwd: str, command: list[str], environment: dict[str, str]) -> int:
    """In the child: become the command; else say why not, and return the exit code a shell has for that."""
    signal.set_wakeup_fd(-1)
    os.setsid()
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:  # whatever was made of it
        signal.signal(number, signal.SIG_DFL)
    for limit in filter(None, limits.split(",")):
        which, value = map(int, limit.split(":"))
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))
    try:
        os.chdir(cwd)
    except OSError:
        os.write(report, b"cwd ")
        return 126
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 (the command, as it was given)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        os.write(2, f"{command[0][:200]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
        return 127 if missing else 126


def wait_for(child: int, bell: int, report: int) -> int | None:
    """The wait status of `child`; None if we are to stop before it ends."""
    while True:
        ready, _, _ = select.select([bell, report], [], [])
        if report in ready or signal.SIGTERM in os.read(bell, 512):
            return None
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                return ended[1]


def end_descendants(child: int) -> None:
    """First stop them until a look finds no new one, so that none can fork; then kill and reap until none is left."""
    if LINUX and childless():  # the common case: orphans would have come to us
        return
    stopped: set[int] = set()
    until = time.monotonic() + PATIENCE
    while (found := descendants(child) - stopped) and time.monotonic() < until:
        send(found, signal.SIGSTOP)
        stopped |= found
    while time.monotonic() < until:
        send(descendants(child), signal.SIGKILL)
        if childless():
            return
        time.sleep(0.001)


def childless() -> bool:
    """Reap what has ended; whether there is no child left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def descendants(child: int) -> set[int]:
    """Every process below this one. Where there is no /proc: the session of the command, as its leader."""
    if not LINUX:
        return {-child} if child else set()
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 (a hot loop during a fork bomb)
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:  # noqa: PTH123
                parent = int(file.read(4096).rpartition(b")")[2].split()[1])
        except OSError:  # it has ended
            continue
        children.setdefault(parent, []).append(int(name))
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting.extend(below)
    return found


def send(processes: set[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except OSError:  # it has ended, or is another user's by a setuid program
            continue


if __name__ == "__main__":
    main()
