"""A folder of things that cost time to make, each under the hash of what it was made from.

An entry is whole or it is not there: it stands in a folder of its own and counts once its mark is written, which
happens last. Two processes that want one entry take turns. The longest unused go first.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from sandbox.api import BadInput
from sandbox.tree import remove_tree


def cache_place(environment: Mapping[str, str]) -> Path:
    """Where this program keeps what can be made again: images, wheels, releases, verdicts."""
    return Path(environment.get("SOLVE_CACHE_DIR") or platformdirs.user_cache_dir("solve"))


def cache_folder(environment: Mapping[str, str]) -> Path:
    """The same, made if it is not there. Raises BadInput: it cannot be written."""
    folder = cache_place(environment)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise BadInput(f"cannot write {folder} ({error.strerror}): name another folder with SOLVE_CACHE_DIR") from error
    return folder


class Cache:
    """Entries of one kind below `folder`: `KEY/` with the content, `KEY.done` the mark, `KEY.lock` the turn."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Wait until no other process or thread works on `key`, and hold the others off."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed, also by a process that was killed
            yield

    def find(self, key: str) -> Path | None:
        """The folder of a finished entry, which counts as used now."""
        mark = self._folder / f"{key}.done"
        if not mark.is_file():
            return None
        mark.touch()
        return self._folder / key

    def begin(self, key: str) -> Path:
        """An empty folder for the entry; what an interrupted making left in it is removed. Within a `turn`."""
        self.remove(key)
        path = self._folder / key
        path.mkdir(parents=True, mode=0o700)
        return path

    def finish(self, key: str) -> Path:
        """The entry is whole. Within a `turn`."""
        (self._folder / f"{key}.done").touch()
        return self._folder / key

    def remove(self, key: str) -> None:
        (self._folder / f"{key}.done").unlink(missing_ok=True)
        if (self._folder / key).is_dir():
            remove_tree(self._folder / key)

    def keys(self) -> list[str]:
        """Finished entries, the one used last at the end."""
        marks = sorted(self._folder.glob("*.done"), key=lambda mark: mark.stat().st_mtime)
        return [mark.name.removesuffix(".done") for mark in marks]

    def prune(self, keep: int) -> list[str]:
        """Remove all but the `keep` entries used last, and return what went. One that is worked on stays."""
        gone = []
        for key in self.keys()[:-keep]:
            with (self._folder / f"{key}.lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                self.remove(key)
            gone.append(key)
        return gone
