"""Run one command and leave nothing of it running. A program: `sandbox.local` starts it, nothing imports it.

    python -I -S supervise.py REPORT PARENT LIMITS CGROUPS CWD COMMAND [ARGUMENT]...

It makes itself the reaper of its descendants, so that whatever the command forked, detached, put into another session
or stripped of its environment comes back here when its parent dies, and stays apart from what other commands do. The
descriptor REPORT gets `cwd` if CWD cannot be entered, `broken` and why if a limit cannot be set; else `exit N` or
`signal N`. LIMITS are rlimits as
`NUMBER:VALUE,...`; CGROUPS the files, separated by `:`, through which the command joins its group. SIGTERM, or the end
of the process PARENT, ends the command early. Little is imported, because this runs once for every command.
"""

import ctypes
import os
import resource
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PATIENCE = 5.0  # seconds: what resists SIGKILL longer sits in the kernel, and no waiting helps
LINUX = sys.platform == "linux"


def main() -> None:
    report, parent, limits, groups, cwd, *command = sys.argv[1:]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
    signal.signal(signal.SIGCHLD, lambda *_: None)  # ignored, it would not be delivered to sigwait everywhere
    if LINUX:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):
        return
    child = os.fork()
    if child == 0:
        try:
            code = start(int(report), limits, groups, cwd, command)
        except OSError as error:  # a limit or group that cannot be had: not the command's fault
            os.write(int(report), f"broken {error}".encode())
            code = 126
        os._exit(code)
    status = wait_for(child)
    end_descendants(child)
    if status is not None:
        code = os.waitstatus_to_exitcode(status)
        os.write(int(report), (f"exit {code}" if code >= 0 else f"signal {-code}").encode())


def start(report: int, limits: str, groups: str, cwd: str, command: list[str]) -> int:
    """In the child: become the command; else say why not, and return the exit code a shell has for that."""
    os.set_inheritable(report, False)
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):  # as Python, not the command, wants them
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for group in filter(None, groups.split(":")):
        with open(group, "w") as file:  # noqa: PTH123 (pathlib would double the time this program takes to start)
            file.write("0")
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
        os.execvp(command[0], command)  # noqa: S606 (the command, as it was given)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        os.write(2, f"{command[0]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
        return 127 if missing else 126


def wait_for(child: int) -> int | None:
    """The wait status of `child`; None if we are to stop before it ends."""
    while signal.sigwait({signal.SIGCHLD, signal.SIGTERM}) == signal.SIGCHLD:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                return ended[1]
    return None


def end_descendants(child: int) -> None:
    """First stop them until a look finds no new one, so that none can fork; then kill and reap until none is left."""
    stopped: set[int] = set()
    until = time.monotonic() + PATIENCE
    while (found := descendants(child) - stopped) and time.monotonic() < until:
        send(found, signal.SIGSTOP)
        stopped |= found
    while time.monotonic() < until:
        send(descendants(child), signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def descendants(child: int) -> set[int]:
    """Every process below this one. Where there is no /proc: the session of the command, as its leader."""
    if not LINUX:
        return {-child}
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
