"""The index of one repository: open its store, bring it up to date, ask the snapshot."""

import hashlib
import os
import re
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs

from agents.index.build import Tell, silent, update
from agents.index.snapshot import Snapshot
from agents.index.store import MAX_BYTES, Damaged, Store
from agents.index.tree import Tree, Worktree, git, open_tree
from sandbox.api import BadInput

ATTEMPTS = 3


class Index:
    """Use as a context manager.

    with Index(store_path(repo)) as index:
        ranking = rank(index.build(repo), issue)
    """

    def __init__(self, store: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.store = Store(store, max_bytes=max_bytes)

    def build(self, repo: Path, revision: str = "", *, tell: Tell = silent, workers: int = 0) -> Snapshot:
        """The repository at a revision, or its worktree as it lies. Only what the store does not know is parsed.

        Raises BadInput: no such folder or revision.
        """
        with self.open_tree(repo, revision) as tree:
            return self.build_tree(tree, tell=tell, workers=workers)

    def open_tree(self, repo: Path, revision: str = "") -> Tree:
        """As `tree.open_tree`, but of a worktree only those files are read that changed since the last time."""
        before = {} if revision else self.store.seen(repo)
        tree = open_tree(repo, revision, before)
        if isinstance(tree, Worktree) and tree.seen != before:
            self.store.remember(repo, tree.seen)
        return tree

    def build_tree(self, tree: Tree, *, tell: Tell = silent, workers: int = 0) -> Snapshot:
        """As `build`, of a tree that is open already. What is found damaged is made again."""
        for _ in range(ATTEMPTS):
            try:
                return Snapshot(self.store, update(self.store, tree, tell=tell, workers=workers))
            except Damaged:
                continue
            except sqlite3.OperationalError:  # a full disk, a lock that is never given back
                raise
            except sqlite3.DatabaseError:
                self.store.heal()
        raise BadInput(f"the index at {self.store.path} is damaged again and again: is its disk sound?")

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def store_path(repo: Path) -> Path:
    """Where a repository's store lies: one for all clones of the same origin. `SOLVE_CACHE_DIR` names another."""
    folder = os.environ.get("SOLVE_CACHE_DIR") or platformdirs.user_cache_dir("solve")
    try:
        origin = git(repo, "config", "--get", "remote.origin.url").decode("utf-8", "replace").strip()
    except BadInput:
        origin = str(repo.resolve())
    key = re.sub(r"^\w+://|^[^@/]+@|\.git/?$", "", origin).replace(":", "/").lower()
    name = re.sub(r"[^\w.-]+", "-", key.rpartition("/")[2]) or "repository"
    return Path(folder) / "index" / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.sqlite"
