"""The container engine this machine talks to, by Docker's API: docker, or podman's socket that speaks it.

Every call goes through `answers()`, which turns what the client library raises into the sandbox's own errors, so that
a dead engine is never taken for a failed command.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException

from sandbox.api import SandboxUnavailable

PATIENCE = 60.0  # seconds that one call may take: a loaded engine is slow, a wedged one must not hang a batch


def connect(patience: float = PATIENCE) -> docker.DockerClient:
    """A client for the engine of DOCKER_HOST, else of the current docker context, else of the default socket.

    Raises:
        SandboxUnavailable: no engine answers there.
    """
    with answers("no container engine answers (start docker or podman, or set DOCKER_HOST)"):
        reach = docker.from_env if os.environ.get("DOCKER_HOST") else docker.from_context
        return reach(version="auto", timeout=patience)


@contextmanager
def answers(what: str) -> Iterator[None]:
    """Turn every failure of the engine or of the way to it into SandboxUnavailable: `what` happened, and why."""
    try:
        yield
    except APIError as error:
        raise SandboxUnavailable(f"{what}: {error.explanation or error}") from error
    except (
        DockerException,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
    ) as error:
        raise SandboxUnavailable(f"{what}: {error}") from error
