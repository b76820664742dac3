"""The base image of the engine that an image stands on: one that is here, or else one from a registry.

Which ones there may be is a setting of the machine, `SOLVE_BASE_IMAGES`: nothing that a repository says chooses it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import docker
from docker.errors import ImageNotFound

from sandbox.api import BadInput, ImageUnavailable, SandboxUnavailable
from sandbox.base import VERSIONS, Base, fitting
from sandbox.engine import answers
from sandbox.registry import pull

SETTING = "SOLVE_BASE_IMAGES"
PYTHON = "{python}"
MADE = "solve/base:bookworm-py{python}"  # by `make base-image`
# The registry's, that, and what `make python-images` copies from installed Pythons.
SHAPES = ("python:{python}-slim", MADE, "solve/python:{python}")


@dataclass(frozen=True, slots=True)
class Bases:
    """Which base images there may be, `{python}` standing for 3.9; shapes and versions with the preferred first."""

    shapes: tuple[str, ...] = SHAPES
    versions: tuple[str, ...] = VERSIONS

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Bases":
        """What the setting says: names with commas between them.

        Raises:
            BadInput: a name does not say where the version stands in it.
        """
        shapes = tuple(part.strip() for part in environment.get(SETTING, "").split(",") if part.strip())
        odd = next((shape for shape in shapes if PYTHON not in shape), None)
        if odd is not None:
            raise BadInput(f"{SETTING}: {odd} does not say where the version stands: write {PYTHON} in its place")
        return cls(shapes) if shapes else cls()

    def named(self, version: str) -> list[str]:
        return [shape.replace(PYTHON, version) for shape in self.shapes]

    def all(self) -> list[tuple[str, str]]:
        """Each name with its version, the preferred first."""
        return [(reference, version) for version in self.versions for reference in self.named(version)]


def base_image(
    client: docker.DockerClient, requires_python: str, tell: Callable[[str], None], bases: Bases = Bases()
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
        for reference in bases.named(version):
            if (found := _local(client, reference, version)) is not None:
                return found
    reference = bases.named(versions[0])[0]
    tell(f"base image: pulling {reference}")
    try:
        pull(reference)
    except SandboxUnavailable as error:
        raise ImageUnavailable(f"{reference} is not here and cannot be pulled ({error}): {_mend(bases)}") from error
    pulled = _local(client, reference, versions[0])
    if pulled is None:
        raise ImageUnavailable(f"{reference} was pulled and is not here: look at `docker images`")
    return pulled


def present(client: docker.DockerClient, bases: Bases) -> list[str]:
    """The base images that are here, the preferred first. Raises SandboxUnavailable."""
    return [found.ref for reference, version in bases.all() if (found := _local(client, reference, version))]


def _mend(bases: Bases) -> str:
    if MADE not in bases.shapes:
        return f"name others with {SETTING}, now {','.join(bases.shapes)}"
    made = MADE.replace(PYTHON, "3.11")
    return f"as root, `make base-image` makes {made} without a registry, then `make python-images` other Pythons"


def _local(client: docker.DockerClient, reference: str, version: str) -> Base | None:
    with answers("the engine does not say which images it has"):
        try:
            return Base(reference, str(client.images.get(reference).id), version)
        except ImageNotFound:
            return None
