"""The tree that is solved: one fresh root commit in a repository of our own, in which the future does not exist."""

import os
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox import patch as patches
from sandbox.api import NO_ENV, BadInput
from sandbox.git import IDENTITY, VERBATIM, GitFailed, HostGit
from sandbox.origin import Origin, open_origin
from sandbox.patch import GITLINK, LINK, Change, Entry, PatchRejected, entries
from sandbox.pathname import note
from sandbox.revision import resolve
from sandbox.worktree import dirty_tree

__all__ = ["Change", "PatchRejected", "Workspace", "open_workspace"]

DIRTY = "dirty:"  # begins the base of a tree that is no commit's
LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A base tree on the host. `folder` holds it, checked out, with a `.git` of ours; it is copied from, never run."""

    folder: Path
    base_commit: str  # full name in the original repository, or DIRTY and the tree where it is no commit's
    tree: str  # git's name of the tree: equal content, equal name
    notes: tuple[str, ...]  # what a person should know: what was left out, what is not what it seems
    paths: frozenset[str] = field(repr=False)  # of all files and links; not UTF-8: surrogate escapes, as os.fsdecode

    def patch_from_folder(self, contents: Path) -> bytes:
        """A patch from a folder copied out of a sandbox; see `sandbox.patch.patch_from_folder`."""
        return patches.patch_from_folder(self._git, contents)

    def patch_from_files(self, files: Mapping[str, bytes | None]) -> bytes:
        """A patch from new contents (None: deleted); see `sandbox.patch.patch_from_files`."""
        return patches.patch_from_files(self._git, files)

    def changes(self, patch: bytes) -> tuple[Change, ...]:
        """What a patch does, path by path; see `sandbox.patch.changes`."""
        return patches.changes(self._git, patch)

    @property
    def _git(self) -> HostGit:
        return HostGit(self.folder / ".git", self.folder)


def open_workspace(
    repository: str,
    revision: str | None,
    folder: Path,
    *,
    mirrors: Path | None = None,
    tell: Callable[[str], None],
    environment: Mapping[str, str] = NO_ENV,
) -> Workspace:
    """Put the base tree of `repository` into `folder`, which must not exist yet or be empty.

    `repository` is a local path, an address, or OWNER/NAME under `mirrors` (`DIR/OWNER/NAME.git`). Without a
    `revision` a worktree is taken as it stands, without secrets; a bare repository or an address at its HEAD.
    `tell` hears progress, one line at a time; `environment` may hold tokens for a private address.

    Raises:
        BadInput: the repository or the revision cannot be used.
        NetworkUnavailable: the repository's host cannot be reached.
        SandboxUnavailable: git is missing or too slow, or the disk is full.
    """
    with (
        open_origin(repository, revision, mirrors=mirrors, tell=tell, environment=environment) as origin,
        TemporaryDirectory(prefix="solve-base-") as scratch,
    ):
        reader = origin.reader(Path(scratch))
        if revision is None and origin.work_tree is not None:
            source, tree, left_out = dirty_tree(origin, reader, Path(scratch))
            head = resolve(origin, reader, "HEAD", missing="")
            same = head and reader.text("rev-parse", f"{head}^{{tree}}") == tree
            base = head if same else f"{DIRTY}{tree}"
        else:
            base = resolve(origin, reader, "HEAD" if revision is None else revision)
            source, tree, left_out = reader, reader.text("rev-parse", f"{base}^{{tree}}"), ()
        try:
            _plant(source, tree, folder)
        except GitFailed as error:
            raise _unusable(origin, base, error) from error
    known = entries(HostGit(folder / ".git", folder), "HEAD")
    paths = frozenset(os.fsdecode(path) for path, entry in known.items() if entry.mode != GITLINK)
    return Workspace(folder, base, tree, (*left_out, *_notes(known, folder)), paths)


def _plant(source: HostGit, tree: str, folder: Path) -> None:
    """A repository whose objects are those of the tree and one commit, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    dot_git = folder / ".git"
    git = HostGit(dot_git, folder)
    kind = source.text("rev-parse", "--show-object-format")
    git("init", "--quiet", "--initial-branch=main", f"--object-format={kind}", str(folder))
    (dot_git / "info").mkdir(exist_ok=True)
    (dot_git / "info" / "attributes").write_bytes(VERBATIM)
    # The pack is read a few times and thrown away: no search for deltas, and the quickest compression.
    # Git writes the pack beside the objects it reads first: those are ours.
    objects = dot_git / "objects"
    packer = replace(
        source,
        objects=objects,
        alternates=(source.git_dir / "objects", *source.alternates),
        settings={"pack.compression": "1"},
    )
    command = ("pack-objects", "--revs", "--quiet", "--window=0", str(objects / "pack" / "pack"))
    packer(*command, stdin=f"{tree}\n".encode(), timeout=600)
    commit = os.fsdecode(git("commit-tree", tree, "-m", "base", environment=IDENTITY)).strip()
    git("update-ref", "refs/heads/main", commit)
    git("read-tree", tree)
    git("checkout-index", "--all", "--index", "--quiet", timeout=600)


def _unusable(origin: Origin, base: str, error: GitFailed) -> BadInput:
    if "missing" in error.stderr or "unable to read" in error.stderr or "bad object" in error.stderr:
        return BadInput(f"{origin.name} lacks objects of {base} (a partial clone?): fetch them, or give its address")
    return BadInput(f"the tree of {base} in {origin.name} cannot be checked out here: {error}")


def _notes(known: Mapping[bytes, Entry], folder: Path) -> tuple[str, ...]:
    modules = [path for path, entry in known.items() if entry.mode == GITLINK]
    links = [path for path, entry in known.items() if entry.mode == LINK]
    files = known.keys() - {*modules, *links}
    outward = [path for path in links if _leaves(path, os.fsencode((folder / os.fsdecode(path)).readlink()))]
    pointers = [path for path in files if _is_pointer(folder / os.fsdecode(path))]
    found = (
        ("submodule, content not fetched", modules),
        ("link out of the tree, never followed on the host", outward),
        ("Git LFS pointer, content not fetched", pointers),
    )
    return tuple(note(what, paths) for what, paths in found if paths)


def _leaves(path: bytes, target: bytes) -> bool:
    end = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return posixpath.isabs(target) or end.split(b"/")[0] == b".."


def _is_pointer(path: Path) -> bool:
    if path.lstat().st_size > 1024:  # the specification's limit of a pointer
        return False
    with path.open("rb") as file:
        return file.read(len(LFS_POINTER)) == LFS_POINTER
