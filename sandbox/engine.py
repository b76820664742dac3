"""The container engine this machine talks to, by Docker's API: docker, or podman's socket that speaks it.

Every call goes through `answers()`, which turns what the client library raises into the sandbox's own errors, so that
a dead engine is never taken for a failed command.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import requests
import urllib3
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import ContextAPI
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env, parse_host

from sandbox.api import SandboxUnavailable

PATIENCE = 60.0  # seconds that one call may take: a loaded engine is slow, a wedged one must not hang a batch


def connect(patience: float = PATIENCE) -> docker.DockerClient:
    """A client for the engine of DOCKER_HOST, else of the current docker context, else of the default socket.

    Raises:
        SandboxUnavailable: no engine answers there.
    """
    with answers("no container engine answers (start docker or podman, or set DOCKER_HOST)"):
        knock(address())
        return docker.DockerClient(version="auto", timeout=patience, **_where())


def address() -> str:
    """Where `connect` finds the engine."""
    url: str = parse_host(_where().get("base_url", DEFAULT_UNIX_SOCKET))
    return url


def cgroup_parent() -> str | None:
    """The cgroup that containers are put under, where SOLVE_CGROUP_PARENT names one; else the engine's own.

    With cgroups v1 all containers of an engine share one processor share against every other process of the host: on
    a busy one they starve. "/" gives each container a share of its own.
    """
    return os.environ.get("SOLVE_CGROUP_PARENT") or None


def knock(url: str) -> None:
    """Fail with OSError if that is a socket of this machine and nobody listens.

    The client library would fail too, but leaves a socket open each time (docker/transport/unixconn.py).
    """
    scheme, _, path = url.partition("://")
    if scheme in ("unix", "http+unix"):
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(PATIENCE)
            door.connect(path)


def _where() -> dict[str, Any]:
    found: dict[str, Any] = kwargs_from_env() if os.environ.get("DOCKER_HOST") else ContextAPI.kwargs_from_context()
    return found


@contextmanager
def answers(what: str) -> Iterator[None]:
    """Turn every failure of the engine or of the way to it into SandboxUnavailable: `what` happened, and why."""
    try:
        yield
    except APIError as error:
        raise SandboxUnavailable(f"{what}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise SandboxUnavailable(f"{what}: {error}") from error
