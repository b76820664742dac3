"""Keeps the images that this program made below a size: the longest unused go first, and nobody else's ever."""

import hashlib
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docker.errors import APIError, ImageNotFound

from sandbox.engine import answers, connect

OURS = ("solve/row", "solve/env", "solve/deps")  # repositories of images that are made again when they are wanted


@dataclass(frozen=True, slots=True)
class Kept:
    """An image in the engine."""

    id: str
    tags: tuple[str, ...]
    size: int  # bytes, with all that it stands on
    layers: tuple[str, ...]
    used: float = 0.0  # seconds since the epoch

    def is_of(self, repositories: Collection[str]) -> bool:
        """All its names are: one that a person gave another name to is theirs too, and one without a name may be."""
        return bool(self.tags) and all(tag.partition(":")[0] in repositories for tag in self.tags)


def footprint(images: Iterable[Kept]) -> dict[str, int]:
    """Bytes that each image adds to the largest other that it stands on, by id (pure)."""
    known = {image.layers: image for image in images}
    added: dict[str, int] = {}
    for layers, image in known.items():
        below = next((known[layers[:n]] for n in range(len(layers) - 1, 0, -1) if layers[:n] in known), None)
        added[image.id] = image.size - (below.size if below else 0)
    return added


def surplus(
    images: Sequence[Kept], cap: int, pinned: Collection[str], repositories: Collection[str] = OURS
) -> list[Kept]:
    """Which of ours are to go so that ours take at most `cap` bytes, the longest unused first (pure).

    What others stand on is used whenever they are, so it goes after them; pinned images stay.
    """
    added = footprint(images)
    ours = [image for image in images if image.is_of(repositories)]
    total = sum(added.get(image.id, 0) for image in ours)
    going: list[Kept] = []
    for image in sorted(ours, key=lambda image: (_last_use(image, ours), -len(image.layers))):
        if total <= cap:
            break
        stands_below = any(image.layers == other.layers[: len(image.layers)] for other in images if other is not image
                           and other not in going)  # fmt: skip
        if image.id in pinned or stands_below:
            continue
        going.append(image)
        total -= added.get(image.id, 0)
    return going


def _last_use(image: Kept, images: Sequence[Kept]) -> float:
    above = (other.used for other in images if image.layers == other.layers[: len(image.layers)])
    return max(image.used, *above)


class Disk:
    """The engine's disk. Safe to share between threads and processes."""

    def __init__(self, cap: int, folder: Path, repositories: Collection[str] = OURS) -> None:
        """`folder` remembers when each image was used last."""
        self._cap, self._folder, self._repositories = cap, folder, repositories
        self._known: dict[str, tuple[str, ...]] = {}  # an image's layers never change

    def use(self, image: str) -> None:
        """It counts as used now."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mark(image).touch()

    def keep_below(self, pinned: Collection[str]) -> list[Kept]:
        """Remove what is too much; what went.

        Raises:
            SandboxUnavailable: the engine does not answer.
        """
        client = connect()
        try:
            with answers("the engine does not say which images it has"):
                images = [self._kept(client, row) for row in client.api.images()]
            gone: list[Kept] = []
            known = [image for image in images if image]
            for image in surplus(known, self._cap, pinned, self._repositories):
                try:
                    # By its name it would only lose that while a container stands on it; by its id it is refused.
                    for name in (*image.tags[:-1], image.id):
                        client.api.remove_image(name)
                    gone.append(image)
                except APIError:  # a container stands on it, or somebody else was quicker
                    continue
            return gone
        finally:
            client.close()

    def _kept(self, client: object, row: dict[str, object]) -> Kept | None:
        name = str(row["Id"])
        if name not in self._known:
            try:
                found = client.api.inspect_image(name)  # type: ignore[attr-defined]
            except ImageNotFound:
                return None
            self._known[name] = tuple(found["RootFS"].get("Layers") or ())
        tags = tuple(str(tag) for tag in row["RepoTags"] or ())  # type: ignore[attr-defined]
        mark = self._mark(name)
        created = float(row.get("Created") or time.time())  # type: ignore[arg-type]
        used = mark.stat().st_mtime if mark.is_file() else created
        return Kept(name, tags, int(row["Size"]), self._known[name], used)  # type: ignore[call-overload]

    def _mark(self, image: str) -> Path:
        return self._folder / hashlib.sha256(image.encode()).hexdigest()[:24]
