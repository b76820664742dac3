"""The image that docker tests start from."""

import os

import docker
import pytest

from sandbox.api import Image

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


@pytest.fixture(scope="session")
def docker_image() -> Image:
    return find_image()
