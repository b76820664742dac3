"""The base image of the engine that an image stands on: one that is here, or else one from a registry."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import docker
from docker.errors import ImageNotFound

from sandbox.api import BadInput, ImageUnavailable, SandboxUnavailable
from sandbox.base import VERSIONS, Base, fitting
from sandbox.engine import answers
from sandbox.registry import pull


@dataclass(frozen=True, slots=True)
class Bases:
    """Setting: which base images there may be, `{}` standing for the Python version, and which version is preferred."""

    pulled: str = "python:{}-slim"
    made: str = "solve/base:bookworm-py{}"  # by `make base-image`
    copied: str = "solve/python:{}"  # by `make python-images`
    versions: tuple[str, ...] = VERSIONS


DEFAULT = Bases()


def base_image(
    client: docker.DockerClient, requires_python: str, tell: Callable[[str], None], bases: Bases = DEFAULT
) -> Base:
    """The preferred of the base images that are here and fit; if there is none, the preferred one is pulled.

    Raises:
        ImageUnavailable: none is here and none can be pulled.
        SandboxUnavailable: the engine does not answer.
    """
    versions = fitting(requires_python, bases.versions)
    if not versions:
        raise ImageUnavailable(f"no base image for Python {requires_python}: there are {', '.join(bases.versions)}")
    for version in versions:
        for shape in (bases.pulled, bases.made, bases.copied):
            found = _local(client, shape.format(version), version)
            if found:
                return found
    reference = bases.pulled.format(versions[0])
    tell(f"base image: pulling {reference}")
    try:
        pull(reference)
    except SandboxUnavailable as error:
        wanted = bases.made.format(versions[0])
        raise ImageUnavailable(
            f"{reference} is not here and cannot be pulled ({error}): "
            f"as root, `make base-image` makes {bases.made.format('3.11')} without a registry"
            + ("" if wanted.endswith("3.11") else f"; this repository needs {wanted}")
        ) from error
    pulled = _local(client, reference, versions[0])
    if pulled is None:
        raise ImageUnavailable(f"{reference} was pulled and is not here: look at `docker images`")
    return pulled


def present(client: docker.DockerClient, bases: Bases = DEFAULT) -> list[str]:
    """The base images that are here, the preferred first. Raises SandboxUnavailable."""
    candidates = [
        (shape.format(version), version)
        for version in bases.versions
        for shape in (bases.pulled, bases.made, bases.copied)
    ]
    return [found.ref for reference, version in candidates if (found := _local(client, reference, version))]


def named_image(client: docker.DockerClient, reference: str) -> Base:
    """A base image that a person named; its Python version is read from its settings or its tag.

    Raises:
        ImageUnavailable: it is not here and cannot be pulled.
        BadInput: neither says which Python is in it.
    """
    with answers("the engine does not say which images it has"):
        try:
            image = client.images.get(reference)
        except ImageNotFound:
            try:
                pull(reference)
            except SandboxUnavailable as error:
                raise ImageUnavailable(f"{reference} is not here and cannot be pulled ({error})") from error
            image = client.images.get(reference)
    stated = [value for value in image.attrs["Config"]["Env"] or () if value.startswith("PYTHON_VERSION=")]
    match = re.search(r"(3\.\d+)", " ".join((*stated, reference)))
    if match is None:
        raise BadInput(f"which Python is in {reference}? name it in the tag (NAME:py3.11) or set PYTHON_VERSION in it")
    return Base(reference, str(image.id), match[1])


def _local(client: docker.DockerClient, reference: str, version: str) -> Base | None:
    with answers("the engine does not say which images it has"):
        try:
            return Base(reference, str(client.images.get(reference).id), version)
        except ImageNotFound:
            return None
