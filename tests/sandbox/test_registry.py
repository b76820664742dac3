"""An image that another machine made is fetched, and not made again."""

import secrets
from collections.abc import Iterator

import pytest
from image_registry import Registry

from sandbox.api import ImageUnavailable
from sandbox.bake import bake
from sandbox.engine import connect
from sandbox.registry import fetched

NOWHERE = "solve-test/no-such-base:1"  # what would have to be made fails


def test_without_the_setting_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOLVE_REGISTRY", raising=False)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    assert not fetched("solve/row:any")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Registry, str]]:
    name = f"solve-test/{secrets.token_hex(4)}:key"
    with Registry(f"team/{name}") as running:
        monkeypatch.setenv("SOLVE_REGISTRY", f"{running.address}/team")
        yield running, name
    client = connect()
    for image in client.images.list(name.partition(":")[0]):
        client.api.remove_image(image.id, force=True)
    client.close()


@pytest.mark.docker
def test_what_the_registry_has_is_there_under_its_own_name_alone(registry: tuple[Registry, str]) -> None:
    running, name = registry
    image = bake(NOWHERE, name, (), {}, "/")
    assert image.ref == running.image
    client = connect()
    try:
        assert client.images.get(name).tags == [name]
    finally:
        client.close()
    asked = len(running.asked)
    assert bake(NOWHERE, name, (), {}, "/") == image
    assert len(running.asked) == asked  # it is here now


@pytest.mark.docker
def test_what_the_registry_has_not_is_made_here(registry: tuple[Registry, str]) -> None:
    running, name = registry
    with pytest.raises(ImageUnavailable, match="no-such-base"):
        bake(NOWHERE, name.replace(":key", ":other"), (), {}, "/")
    assert any("manifests/other" in path for path in running.asked)
