"""The contract of a place that images are made and kept in: one kind for each kind of sandbox that opens them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sandbox.api import Image
from sandbox.wheelhouse import Target

Tell = Callable[[str], None]


class Store(Protocol):
    @property
    def target(self) -> Target:
        """The Python that wheels must fit."""
        ...

    @property
    def system(self) -> str:
        """Names what everything stands on: a base image's id, a host's interpreter. Part of every key."""
        ...

    def turn(self, key: str) -> AbstractContextManager[None]:
        """Wait until nobody else makes the image `key`."""
        ...

    def find(self, key: str) -> Image | None:
        """A finished image; it counts as used now."""
        ...

    def dependencies(self, key: str, name: str, wheels: Callable[[], Path]) -> Image:
        """System and dependencies, with an empty worktree, on the way to the image `key`.

        `name` says which dependencies: a store may keep them for other images. `wheels` fetches them, as a folder.

        Raises:
            BuildFailed: they cannot be installed.
        """
        ...

    def finish(self, key: str, base: Image, tree: Path, installed: Path) -> Image:
        """The image `key`: `base`, with the worktree `tree` and what its build `installed`, a prefix with lib and bin.

        Both folders are hostile, and used up.

        Raises:
            BuildFailed, PathRefused: they cannot be put in place.
        """
        ...

    def discard(self, key: str) -> None:
        """Forget the image `key`, finished or not."""
        ...
