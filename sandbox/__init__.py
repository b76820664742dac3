"""Where code runs, and what it printed. The contract stands in `sandbox.api`; this is the door to the backends."""

from collections.abc import Callable, Mapping
from typing import Protocol

from sandbox.api import (
    MEBIBYTE,
    NO_ENV,
    BadInput,
    BuildFailed,
    ExecResult,
    Image,
    ImageUnavailable,
    Limits,
    Owner,
    PathRefused,
    Sandbox,
    SandboxClosed,
    SandboxError,
    SandboxUnavailable,
)

__all__ = [
    "KINDS",
    "MEBIBYTE",
    "NO_ENV",
    "Backend",
    "BadInput",
    "BuildFailed",
    "ExecResult",
    "Image",
    "ImageUnavailable",
    "Limits",
    "Owner",
    "PathRefused",
    "Sandbox",
    "SandboxClosed",
    "SandboxError",
    "SandboxUnavailable",
    "open_sandbox",
]


class Backend(Protocol):
    """What makes a sandbox of one kind: the class itself. Raises ImageUnavailable or SandboxUnavailable."""

    def __call__(self, image: Image, *, limits: Limits, owner: Owner) -> Sandbox: ...


def _docker() -> Backend:
    from sandbox.docker import DockerSandbox

    return DockerSandbox


def _bubblewrap() -> Backend:
    from sandbox.bubblewrap import BubblewrapSandbox

    return BubblewrapSandbox


def _local() -> Backend:
    from sandbox.local import LocalSandbox

    return LocalSandbox


# Each backend is imported when one is opened: the engine's client alone takes longer than `solve --help` may.
KINDS: Mapping[str, Callable[[], Backend]] = {"docker": _docker, "bubblewrap": _bubblewrap, "local": _local}


def open_sandbox(image: Image, *, limits: Limits = Limits(), owner: Owner = Owner()) -> Sandbox:  # noqa: B008 (frozen)
    """Start a sandbox of the kind that `image` names.

    Raises:
        ImageUnavailable, SandboxUnavailable: see the contract.
        BadInput: no such kind.
    """
    if image.kind not in KINDS:
        raise BadInput(f"no sandbox of kind {image.kind!r}: choose one of {', '.join(KINDS)}")
    return KINDS[image.kind]()(image, limits=limits, owner=owner)
