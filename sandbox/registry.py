"""Images from a registry: published ones, and those that another machine of the same owner has made.

With SOLVE_REGISTRY=HOST[:PORT][/PATH] an image that would be made here is looked for there first, under its own name:
that name tells all that decides its content, so whoever may write to the registry is trusted as this machine is.
"""

import os

from sandbox.api import SandboxUnavailable
from sandbox.engine import answers, connect

SILENCE = 10.0  # seconds without a word from a registry, after which a pull is given up


def pull(reference: str) -> None:
    """Raises SandboxUnavailable if the registry refuses, or says nothing for `SILENCE` seconds."""
    name, _, tag = reference.rpartition(":")
    client = connect(SILENCE)
    try:
        with answers("pulling failed"):
            for event in client.api.pull(name or tag, tag=tag if name else "latest", stream=True, decode=True):
                if "error" in event:
                    raise SandboxUnavailable(str(event["error"]).strip()[:200])
    finally:
        client.close()


def fetched(tag: str) -> bool:
    """Whether the registry had `NAME:KEY`, which the engine now has under that name and no other.

    Raises:
        SandboxUnavailable: the engine is gone.
    """
    registry = os.environ.get("SOLVE_REGISTRY", "").strip("/")
    if not registry:
        return False
    there = f"{registry}/{tag}"
    try:
        pull(there)
    except SandboxUnavailable:  # it is not there, or nobody answers: it is made here
        return False
    name, _, key = tag.rpartition(":")
    client = connect()
    try:
        with answers("the engine does not name what it pulled"):
            client.api.tag(there, name, key)
            client.api.remove_image(there)  # the name alone: with it, `--disk` would take the image for a person's
    finally:
        client.close()
    return True
