"""Checks of the wall between a sandbox and its host. A local process has none: see DIFFERENCES."""

import os
import socket
from pathlib import Path

from sandbox_conformance import Ground, alive, mark, said

PROBE = """
import socket, sys
with open("/proc/net/dev") as file:
    print(sorted(line.split(":")[0].strip() for line in file.readlines()[2:]))
for address in (("127.0.0.1", int(sys.argv[1])), ("192.0.2.1", 80)):
    try:
        socket.create_connection(address, timeout=3)
        print("connected")
    except OSError:
        print("refused")
"""
TRACE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print("traced" if libc.ptrace(16, 1, 0, 0) == 0 else "refused")
try:
    open("/proc/1/mem", "r+b").close()
    print("opened")
except OSError:
    print("refused")
print("got" if libc.syscall(438, os.pidfd_open(1), 3, 0) >= 0 else "refused")
"""


def check_there_is_no_network(ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = ground.sandbox.exec(["python3", "-c", PROBE, str(server.getsockname()[1])])
    assert done.stdout.decode().splitlines() == ["['lo']", "refused", "refused"]


def check_the_system_is_read_only(ground: Ground) -> None:
    for path in ("/", "/usr", "/usr/bin", "/etc", "/bin", "/root", "/var", "/home"):
        done = ground.sandbox.exec(["touch", f"{path}/{ground.name()}"])
        assert not done.ok, path
    assert not ground.sandbox.exec("echo x >>/etc/passwd").ok


def check_the_user_is_not_root_and_can_gain_nothing(ground: Ground) -> None:
    status = dict(line.split(":\t", 1) for line in said(ground.sandbox, "cat /proc/self/status").splitlines())
    assert set(status["Uid"].split()) == {"1000"}
    assert set(status["Gid"].split()) == {"1000"}
    assert {
        name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    } == dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    name = ground.name()
    done = ground.sandbox.exec(f"cp /usr/bin/id {name}; chmod 6755 {name}; ./{name} -u")
    assert done.stdout in (b"1000\n", b"")


def check_the_home_of_the_host_is_not_visible(ground: Ground) -> None:
    here = Path.home()
    names = {path.name for path in here.iterdir()} | {path.name for path in Path(__file__).parent.parent.iterdir()}
    for folder in (here, Path(__file__).parent.parent):
        seen = set(ground.sandbox.exec(["ls", "-A", str(folder)]).stdout.decode().split("\n")) - {""}
        # The interpreter of the image's venv may stand below the home: the way there, and it, are visible.
        assert len(seen & names) <= 1, seen
    assert not ground.sandbox.exec(["cat", __file__]).ok


def check_files_of_the_host_are_not_visible(ground: Ground) -> None:
    secret = ground.folder / "secret"
    secret.write_text("of the host")
    assert not ground.sandbox.exec(["cat", str(secret)]).ok
    for path in ("/etc/shadow", "/etc/ssh", "/var/log", "/var/run/docker.sock", "/run/docker.sock", "/sys/fs/cgroup/x"):
        assert not ground.sandbox.exec(["cat", path]).ok
    roots = {f"/proc/{pid}/root{secret}" for pid in ("1", "self", os.getpid())}
    for path in roots:
        assert not ground.sandbox.exec(["cat", path]).ok


def check_processes_of_the_host_are_not_visible(ground: Ground) -> None:
    count = said(ground.sandbox, "ls -d /proc/[0-9]* | wc -l")
    assert int(count) < 12
    assert not ground.sandbox.exec(["kill", "-0", str(os.getpid())]).ok or os.getpid() < 100


def check_the_kernel_cannot_be_set(ground: Ground) -> None:
    for path in ("sys/kernel/core_pattern", "sys/kernel/hostname", "sys/vm/overcommit_memory", "sysrq-trigger"):
        assert not ground.sandbox.exec(f"cat /proc/{path} >/dev/null; echo x >/proc/{path}").ok, path


def check_nothing_can_be_mounted(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, ["mkdir", name])
    for command in (f"mount -t tmpfs none {name}", "unshare -U true", "unshare -r -m true", "unshare -n true"):
        done = ground.sandbox.exec(command)
        assert done.exit_code not in (0, 126, 127), command


def check_process_one_cannot_be_traced(ground: Ground) -> None:
    """It is what reports, or watches, the exit status of attested commands."""
    done = ground.sandbox.exec(["python3", "-c", TRACE], timeout=20, attested=True)
    assert (done.stdout.split(), done.exit_code) == ([b"refused"] * 3, 0)


def check_a_detached_process_does_not_meet_the_next_command(ground: Ground) -> None:
    marked = mark()
    ground.sandbox.exec(f"setsid sleep {marked} & sleep 0.1")
    assert marked not in said(ground.sandbox, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; true")
    assert alive(marked) == []
