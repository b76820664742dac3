"""Removes what dead owners left in the engine: by label and never by name."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import time
from typing import Literal

from docker.errors import APIError, NotFound

from sandbox.api import SandboxUnavailable
from sandbox.engine import answers, connect
from sandbox.labels import PREFIX, Labels

Reason = Literal["owner dead", "expired", "own"]
CONFLICT = 409  # the engine's answer while somebody else removes it


@dataclass(frozen=True, slots=True)
class Removed:
    """One container that the janitor removed."""

    id: str
    run: str
    task: str
    reason: Reason


def clean() -> list[Removed]:
    """Remove the containers of owners that are dead, and those past their expiry; an engine that is not there has none.

    An owner is judged only by its own machine and boot: what another machine or a container of its own started, on an
    engine that both use, goes at its expiry.
    """
    return _remove(_leftover)


def clean_own() -> list[Removed]:
    """Remove all containers of this process: for the door, on Ctrl-C, whatever its threads are doing."""
    return _remove(lambda labels: "own" if labels.is_mine() else None)


def _leftover(labels: Labels) -> Reason | None:
    if labels.orphaned():
        return "owner dead"
    return "expired" if labels.expires < time() else None


def _remove(judge: Callable[[Labels], Reason | None]) -> list[Removed]:
    removed: list[Removed] = []
    with suppress(SandboxUnavailable):
        client = connect()
        try:
            with answers("the engine does not say what runs"):
                found = client.api.containers(all=True, filters={"label": PREFIX + "owner"})
            for container in found:
                labels = Labels.parse(container["Labels"] or {})
                reason = labels and judge(labels)
                if labels and reason and _gone(client.api.remove_container, container["Id"]):
                    removed.append(Removed(container["Id"], labels.run, labels.task, reason))
        finally:
            client.close()
    return removed


def _gone(remove: Callable[..., None], container: str) -> bool:
    """Remove one container; False if somebody else did."""
    with answers("the container is not removed"):
        try:
            remove(container, force=True, v=True)
        except NotFound:
            return False
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
            return False
    return True
