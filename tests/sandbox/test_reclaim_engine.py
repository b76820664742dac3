"""Images that the engine really has: the longest unused of ours go, in the order of what stands on what."""

import io
import secrets
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from sandbox.engine import connect
from sandbox.reclaim import Disk

pytestmark = pytest.mark.docker

MEGABYTE = 1 << 20


class Shelf:
    """Images of about a megabyte, in repositories that nothing else has."""

    def __init__(self, client: DockerClient) -> None:
        name = secrets.token_hex(4)
        self.client = client
        self.ours, self.theirs = f"solve-test/{name}", f"person/{name}"

    def add(self, tag: str, base: str = "") -> str:
        """An image with a megabyte of its own, on top of `base` or of nothing; its id."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            entry = tarfile.TarInfo(f"data-{secrets.token_hex(4)}")
            entry.size = MEGABYTE
            archive.addfile(entry, io.BytesIO(secrets.token_bytes(MEGABYTE)))
        packed.seek(0)
        repository, _, version = tag.partition(":")
        if not base:
            self.client.api.import_image_from_data(packed.getvalue(), repository=repository, tag=version)
            return self.id(tag)
        made = self.client.api.create_container(base, ["/none"])["Id"]
        try:
            self.client.api.put_archive(made, "/", packed.getvalue())
            self.client.api.commit(made, repository, version)
        finally:
            self.client.api.remove_container(made)
        return self.id(tag)

    def id(self, tag: str) -> str:
        return str(self.client.images.get(tag).id)

    def has(self, image: str) -> bool:
        try:
            self.client.images.get(image)
        except ImageNotFound:
            return False
        return True

    def clear(self) -> None:
        for repository in (self.ours, self.theirs):
            for image in self.client.images.list(repository):
                for tag in image.tags:
                    self.client.api.remove_image(tag, force=True)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    client = connect()
    made = Shelf(client)
    try:
        yield made
    finally:
        made.clear()
        client.close()


def test_the_longest_unused_of_ours_go_and_nothing_of_anybody_else(shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.add(f"{shelf.ours}:base")
    old, new = (shelf.add(f"{shelf.ours}:{name}", base) for name in ("old", "new"))
    theirs = shelf.add(f"{shelf.theirs}:own")
    below = shelf.add(f"{shelf.ours}:below")
    above = shelf.add(f"{shelf.theirs}:above", below)
    named_too = shelf.add(f"{shelf.ours}:kept")
    shelf.client.api.tag(named_too, shelf.theirs, "kept")

    def keep_below(megabytes: float, *pinned: str) -> list[str]:
        disk = Disk(int(megabytes * MEGABYTE), tmp_path / "used", (shelf.ours,))
        return [image.id for image in disk.keep_below(pinned)]

    disk = Disk(0, tmp_path / "used", (shelf.ours,))
    for image in (old, new):  # the base is used whenever they are
        disk.use(image)
        time.sleep(0.05)  # a file's time is no finer than the kernel's tick
    assert keep_below(4.5) == []
    assert keep_below(3.5) == [old]
    assert keep_below(0, new) == []
    assert [shelf.has(image) for image in (base, old, new)] == [True, False, True]

    used = shelf.client.api.create_container(new, ["/none"])["Id"]
    try:
        assert keep_below(0) == []  # a container stands on it
    finally:
        shelf.client.api.remove_container(used)
    assert keep_below(0) == [new, base]
    assert [shelf.has(image) for image in (base, new)] == [False, False]
    assert all(shelf.has(image) for image in (theirs, named_too, below, above))
