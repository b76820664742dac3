"""A PostgreSQL server of Debian's package for one test, on loopback; as another user, for it refuses to be root."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

USER = "postgres"


def binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def server() -> Iterator[str]:
    """Its URL."""
    programs = binaries()
    assert programs is not None
    user = USER if os.getuid() == 0 else None
    with TemporaryDirectory(prefix="solve-postgres-", dir="/tmp") as folder:
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        made = [str(programs / "initdb"), "--auth=trust", "--username=solve", "--no-sync", "-D", data]
        subprocess.run(made, check=True, capture_output=True, user=user, cwd=folder)
        port = free_port()
        options = ["-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        command = [str(programs / "postgres"), "-D", data, *options]
        with (Path(folder) / "log").open("wb") as log:
            running = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder)
        try:
            ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
            for _ in range(60):
                if subprocess.run(ready, capture_output=True, check=False).returncode == 0:
                    break
                assert running.poll() is None, (Path(folder) / "log").read_text()
            yield f"postgresql://solve@127.0.0.1:{port}/postgres"
        finally:
            running.terminate()
            running.wait(30)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
