"""Which sandbox a run uses where nobody says: docker where an engine answers, else bubblewrap; never local."""

import subprocess

from sandbox import bwrap
from sandbox.api import SandboxUnavailable
from sandbox.engine import connect

PATIENCE = 5.0  # seconds an engine may take to answer


def choose() -> str:
    """Raises SandboxUnavailable where there is neither, with what to do."""
    try:
        connect(PATIENCE).close()
    except SandboxUnavailable as no_engine:
        try:
            probe()
        except SandboxUnavailable as no_bubblewrap:
            raise SandboxUnavailable(
                f"nothing to run code in: {no_engine}; {no_bubblewrap}; `solve doctor` says how to mend it"
            ) from no_engine
        return "bubblewrap"
    return "docker"


def probe() -> None:
    """Start nothing in bubblewrap; raises SandboxUnavailable with the reason if even that does not work."""
    command = [*bwrap.program(), "--ro-bind", "/", "/", "--", "/bin/true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except subprocess.TimeoutExpired as error:
        raise SandboxUnavailable("bubblewrap does not answer within 30 s") from error
    if done.returncode != 0:
        raise SandboxUnavailable(bwrap.unusable(done.stderr))
