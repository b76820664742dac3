"""The image that docker tests start from, and what they ask the engine."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import docker
import pytest

from sandbox.api import Image, Limits, Owner
from sandbox.bake import Copy, Step, bake
from sandbox.docker import DockerSandbox

PURE = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")  # all that pytest needs, none of it compiled
CANDIDATES = ("solve/base:bookworm-py3.11", "solve-base:test")


def find_image() -> Image:
    """The first image that is there. Docker tests fail without one: they are never silently left out."""
    names = [name for name in (os.environ.get("SOLVE_TEST_IMAGE"), *CANDIDATES) if name]
    try:
        client = docker.from_env()
    except docker.errors.DockerException as error:
        pytest.fail(f"docker tests need a container engine: {error}", pytrace=False)
    try:
        here = {tag for image in client.images.list() for tag in image.tags}
    finally:
        client.close()
    for name in names:
        if name in here:
            return Image("docker", name, "/work")
    pytest.fail(f"docker tests need an image, one of {', '.join(names)}: run `make base-image`", pytrace=False)


@contextmanager
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    try:
        yield client
    finally:
        client.close()


def top_group() -> str:
    """The topmost cgroup, as the engine wants it named."""
    with engine() as client:
        return "-.slice" if client.info().get("CgroupDriver") == "systemd" else "/"


def containers(run: str) -> list[str]:
    """The ids of the containers of a run, whatever their state."""
    with engine() as client:
        return [one["Id"] for one in client.api.containers(all=True, filters={"label": f"solve.run={run}"})]


@contextmanager
def baked_with_pytest(tree: Path, scratch: Path) -> Iterator[Image]:
    """An image with a base tree at /testbed and this environment's own pytest; removed at the end."""
    library = scratch / "library"
    for name in PURE:
        for file in metadata.files(name) or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (library / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), library / file)
    tag = f"solve/test-tree:{uuid.uuid4().hex[:12]}"
    work = [Copy(tree, "/testbed"), Copy(library, "/opt/library"), Step("owner", "chown -R 1000:1000 /testbed")]
    yield bake(find_image().ref, tag, work, {"PYTHONPATH": "/opt/library"}, "/testbed")
    with engine() as client:
        client.images.remove(tag, force=True)


@contextmanager
def opened(limits: Limits = Limits(), workdir: str = "/work") -> Iterator[tuple[DockerSandbox, str]]:  # noqa: B008
    """A sandbox, and the engine's id of its container."""
    run = f"test-{uuid.uuid4()}"
    image = find_image()
    with DockerSandbox(Image("docker", image.ref, workdir), limits=limits, owner=Owner(run, "task")) as sandbox:
        yield sandbox, containers(run)[0]
    assert containers(run) == []
