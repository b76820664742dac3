"""The process that starts the commands of a local sandbox: see `sandbox/supervise.py` for what it promises."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.api import SandboxUnavailable
from sandbox.process import PATIENCE, Launched

PROGRAM = Path(__file__).with_name("supervise.py")
LENGTH = 8  # bytes, as in PROGRAM


class Supervisor:
    """One such process. It ends, with all it started, when it is closed or this process dies."""

    def __init__(self, rlimits: Mapping[int, int], groups: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._door, other = socket.socketpair()
        limits = ",".join(f"{number}:{value}" for number, value in rlimits.items())
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", "utf8", str(PROGRAM), str(other.fileno()), limits, ":".join(groups)],
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # the terminal's Ctrl-C is for us
                pass_fds=[other.fileno()],
            )

    def start(
        self, argv: Sequence[str], cwd: str, env: Mapping[str, str], descriptors: tuple[int, int, int, int]
    ) -> Launched:
        """Start a command with its standard three and its report channel.

        Raises:
            SandboxUnavailable: the supervisor was killed.
        """
        body = json.dumps([cwd, list(argv), dict(env)]).encode()
        try:
            with self._lock:
                socket.send_fds(self._door, [len(body).to_bytes(LENGTH, "big")], list(descriptors))
                self._door.sendall(body)
        except OSError as error:
            raise SandboxUnavailable(f"the supervisor of this sandbox is gone: {error}") from error
        return Launched(stop=lambda: None, wait=lambda: 0)

    def close(self) -> None:
        self._door.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
