"""Images as host folders, for the sandboxes that have no engine: `tree/` and `venv/`, made by a Python of this host."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sandbox.api import BuildFailed, Image, PathRefused
from sandbox.base import WORKDIR, Base
from sandbox.bwrap import PREFIXES, prefixes_of
from sandbox.cache import Cache
from sandbox.wheelhouse import TAIL, Target

KEPT = 20  # images
SECONDS = 600.0  # for installing wheels


class FolderStore:
    """`kind` is bubblewrap or local. What a finished folder holds is hostile: nothing here runs a program of it."""

    def __init__(self, cache: Path, kind: str, base: Base) -> None:
        self._cache = Cache(cache / "envs")
        self._kind = kind
        self._base = base
        self.target = Target(base.python, container=False)
        self.system = f"{kind} {base.id}"

    def turn(self, key: str) -> AbstractContextManager[None]:
        return self._cache.turn(key)

    def find(self, key: str) -> Image | None:
        folder = self._cache.find(key)
        return None if folder is None else self._image(folder)

    def dependencies(self, key: str, name: str, wheels: Callable[[], Path]) -> Image:
        """A virtual environment knows where it stands, so each image has its own; only the wheels are shared."""
        del name
        fetched = sorted(wheels().glob("*.whl"))
        folder = self._cache.begin(key)
        _run([self._base.ref, "-I", "-m", "venv", str(folder / "venv")])
        # Now, while nothing foreign is in it: a bubblewrap sandbox shows these folders of the host.
        (folder / PREFIXES).write_text("".join(f"{prefix}\n" for prefix in prefixes_of(folder / "venv")))
        if fetched:
            # One process for all of them: a `.pth` file in a wheel would run in the next.
            pip = [str(folder / "venv" / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-index"]
            _run([*pip, "--no-deps", "--no-cache-dir", "--disable-pip-version-check", *map(str, fetched)])
        (folder / "tree").mkdir()
        return self._image(folder)

    def finish(self, key: str, base: Image, tree: Path, installed: Path) -> Image:
        folder = Path(base.ref)
        (folder / "tree").rmdir()
        tree.rename(folder / "tree")
        merge(installed, folder / "venv")
        self._cache.finish(key)
        self._cache.prune(KEPT)
        return self._image(folder)

    def discard(self, key: str) -> None:
        self._cache.remove(key)

    def _image(self, folder: Path) -> Image:
        return Image(self._kind, str(folder), WORKDIR, {"VIRTUAL_ENV": str(folder / "venv")})


def merge(source: Path, target: Path) -> None:
    """Move what stands below the hostile folder `source` to the same places below `target`, and never elsewhere.

    Files and links replace files and links, themselves and not what they point to.

    Raises:
        PathRefused: a folder would come to stand where a link or a file is, or a file where a folder is.
    """
    with os.scandir(source) as entries:
        found = list(entries)
    for entry in found:
        place = target / entry.name
        if entry.is_dir(follow_symlinks=False):
            if place.is_symlink() and place.resolve() != (target / "lib").resolve():  # lib64, on 64-bit systems
                raise PathRefused(f"what was built has a folder {entry.name} where the environment has a link")
            try:
                place.mkdir(exist_ok=True)
            except FileExistsError as error:
                raise PathRefused(f"what was built has a folder {entry.name} where a file stands") from error
            merge(Path(entry.path), place)
        else:
            try:
                Path(entry.path).replace(place)
            except IsADirectoryError as error:
                raise PathRefused(f"what was built has a file {entry.name} where a folder stands") from error


def _run(command: list[str]) -> None:
    """A program of the host's Python, with nothing of our environment in it."""
    with tempfile.TemporaryDirectory() as home:
        env = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": home, "PIP_CONFIG_FILE": os.devnull}
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=env, cwd=home, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise BuildFailed("dependencies", f"installing took more than {SECONDS:.0f} s") from None
    if done.returncode:
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        raise BuildFailed("dependencies", "\n".join(lines[-TAIL:]))
