"""Patches against a base tree, in git's own format: made from a folder or from files, and read back as changes.

All of it happens in a scratch index and a scratch object store beside the base repository, which stays as it is. The
folder may come from a sandbox: only regular files and links are taken from it, links are never followed, and nothing
named `.git` is looked at.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from sandbox.api import MEBIBYTE
from sandbox.git import VERBATIM, GitFailed, HostGit
from sandbox.pathname import shown

MAX_FILE = 32 * MEBIBYTE  # bytes of one file that a patch creates or changes
MAX_PATCH = 64 * MEBIBYTE
LINK, GITLINK = 0o120000, 0o160000  # git's modes of a symbolic link and of a submodule
# What builds and test runs leave behind in trees whose .gitignore does not say so.
DROPPINGS = re.compile(
    rb"(^|/)(__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.hypothesis|\.tox|\.nox|node_modules"
    rb"|[^/]+\.egg-info)(/|$)|\.py[co]$|(^|/)\.(coverage|DS_Store)$"
)


class PatchRejected(ValueError):
    """The patch's own fault: it does not apply to the base, touches `.git`, leaves the tree or is too large."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a patch does to one path. A rename is a deletion and a creation."""

    path: str  # relative, posix; bytes that are not UTF-8 as surrogate escapes (os.fsencode gives them back)
    content: bytes | None  # None: deleted; of a symbolic link: its target
    mode: int  # 0o100644, 0o100755 or 0o120000 (a link, which may point anywhere); 0 if deleted
    is_new: bool = False  # the base has nothing at this path

    @property
    def is_link(self) -> bool:
        return self.mode == LINK

    @property
    def is_executable(self) -> bool:
        return self.mode == 0o100755


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree."""

    mode: int
    object: str


def patch_from_folder(base: HostGit, contents: Path) -> bytes:
    """The difference between the base and what stands in `contents`, without what the base ignores.

    Raises:
        PatchRejected: a changed file or the patch is too large.
    """
    with scratch(base) as git:
        known = entries(git, "HEAD")
        links = {path for path, entry in known.items() if entry.mode == GITLINK}
        found = {path: status for path, status in walk(contents) if not _within(path, links)}
        new = [path for path in found if path not in known and not DROPPINGS.search(path)]
        rules = [path for path in known if path.split(b"/")[-1] == b".gitignore" and known[path].mode != LINK]
        kept = known.keys() & found.keys() | set(new) - _ignored(git, rules, new)
        for path in sorted(kept):
            if found[path].st_size > MAX_FILE and not _same_size(git, known.get(path), found[path].st_size):
                raise PatchRejected(f"{shown(path)} has {found[path].st_size} bytes; a patch takes up to {MAX_FILE}")
        gone = known.keys() - found.keys() - links
        stage(replace(git, work_tree=contents), kept, gone)
        return _difference(git)


def patch_from_files(base: HostGit, files: Mapping[str, bytes | None]) -> bytes:
    """The difference that writing (bytes) and deleting (None) these files makes. A file keeps its executable bit.

    Raises:
        PatchRejected: a path is not a relative path within the tree, or a file is too large.
    """
    with scratch(base) as git:
        known = entries(git, "HEAD")
        tree = git.git_dir.parent / "tree"
        for name, content in files.items():
            path = _inside(name)
            if content is None:
                continue
            if len(content) > MAX_FILE:
                raise PatchRejected(f"{shown(path)} has {len(content)} bytes; a patch takes up to {MAX_FILE}")
            target = tree / os.fsdecode(path)
            with _clash(path):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            if path in known and known[path].mode == 0o100755:
                target.chmod(0o755)
        gone = [_inside(name) for name, content in files.items() if content is None]
        written = [_inside(name) for name, content in files.items() if content is not None]
        stage(replace(git, work_tree=tree), written, [path for path in gone if path in known])
        return _difference(git)


def changes(base: HostGit, patch: bytes) -> tuple[Change, ...]:
    """What the patch does to the base, path by path, as `git apply` understands it; deletions come first.

    Raises:
        PatchRejected: it does not apply, touches `.git`, leaves the tree, moves a submodule or is too large.
    """
    if not patch.strip():
        return ()
    with scratch(base) as git:
        apply(git, patch)
        fields = git.records("diff-tree", "-r", "-z", "--no-renames", "HEAD", git.text("write-tree"))
        # b":100644 100755 old new M": modes, objects, status
        touched = [
            (path, Entry(int(meta[8:14], 8), meta.split()[3].decode()), meta.endswith(b"A"))
            for meta, path in _pairs(fields)
        ]
        moved = next((path for path, entry, _ in touched if entry.mode == GITLINK), None)
        if moved is not None:
            raise PatchRejected(f"the patch moves the submodule {shown(moved)}, whose content is not in the tree")
        contents = blobs(git, [entry.object for _, entry, _ in touched if entry.mode])
        return tuple(
            Change(os.fsdecode(path), contents[entry.object] if entry.mode else None, entry.mode, new)
            for path, entry, new in sorted(touched, key=lambda item: item[1].mode > 0)
        )


def apply(git: HostGit, patch: bytes) -> None:
    """Apply to the index of `git`, wholly or not at all.

    Raises:
        PatchRejected: it does not fit.
    """
    if len(patch) > MAX_PATCH:
        raise PatchRejected(f"the patch has {len(patch)} bytes; {MAX_PATCH} is the limit")
    try:
        git("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch)
    except GitFailed as error:
        raise PatchRejected(f"the patch does not apply: {str(error).removeprefix('git apply: ')}") from error


@contextmanager
def scratch(base: HostGit) -> Iterator[HostGit]:
    """The base's refs and objects, with an index at HEAD and an object store that vanish afterwards."""
    with TemporaryDirectory(prefix="solve-patch-") as name:
        folder = Path(name)
        shadow = folder / "git"
        (shadow / "info").mkdir(parents=True)
        (shadow / "objects").mkdir()
        (folder / "tree").mkdir()
        shutil.copyfile(base.git_dir / "config", shadow / "config")
        (shadow / "HEAD").write_bytes((base.git_dir / "HEAD").read_bytes())
        (shadow / "refs").symlink_to(base.git_dir / "refs")
        (shadow / "info" / "attributes").write_bytes(VERBATIM)
        git = HostGit(shadow, folder / "tree", alternates=(base.git_dir / "objects",))
        git("read-tree", "HEAD")
        yield git


def stage(git: HostGit, present: Iterable[bytes], gone: Iterable[bytes]) -> None:
    """Put files and links of the work tree into the index byte for byte, and take the gone out. Opens no `.git`."""
    git.records("update-index", "-z", "--force-remove", "--stdin", stdin=sorted(gone))
    git.records("update-index", "-z", "--add", "--replace", "--stdin", stdin=sorted(present))


def walk(folder: Path) -> Iterator[tuple[bytes, os.stat_result]]:
    """Every regular file and link below `folder`, relative, but nothing named `.git` and nothing behind a link."""
    top = os.fsencode(folder)
    pending = [top]
    while pending:
        with os.scandir(pending.pop()) as items:
            for item in items:
                if item.name.lower() == b".git":
                    continue
                if item.is_dir(follow_symlinks=False):
                    pending.append(item.path)
                elif item.is_symlink() or item.is_file(follow_symlinks=False):
                    yield item.path[len(top) + 1 :], item.stat(follow_symlinks=False)


def entries(git: HostGit, tree: str) -> dict[bytes, Entry]:
    """Every file, link and submodule of a tree by its path."""
    listed = (record.split(b"\t", 1) for record in git.records("ls-tree", "-r", "-z", "--full-tree", tree))
    return {path: Entry(int(meta.split()[0], 8), meta.split()[2].decode()) for meta, path in listed}


def blobs(git: HostGit, names: Iterable[str]) -> dict[str, bytes]:
    """The content of objects by their names."""
    wanted = sorted(set(names))
    output = git("cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode())
    found, place = {}, 0
    for name in wanted:
        start = output.index(b"\n", place) + 1
        size = int(output[place:start].split()[2])
        found[name] = output[start : start + size]
        place = start + size + 1
    return found


def _difference(git: HostGit) -> bytes:
    """The patch from HEAD to the index, tried out: `git apply` cannot take every patch that `git diff` writes, such as
    a link that is renamed into a folder of its own name. Without renames it can."""
    tree = git.text("write-tree")
    for renames in ("--find-renames", "--no-renames"):
        patch = git("diff-tree", "-r", "-p", "--binary", "--full-index", renames, "HEAD", tree)
        if len(patch) > MAX_PATCH:
            raise PatchRejected(f"the patch has {len(patch)} bytes; {MAX_PATCH} is the limit")
        if not patch or _leads_to(tree, git, patch):
            return patch
    raise PatchRejected("the change cannot be told as a patch that git applies")


def _leads_to(tree: str, git: HostGit, patch: bytes) -> bool:
    trial = replace(git, index=git.git_dir / "trial")
    trial("read-tree", "HEAD")
    try:
        apply(trial, patch)
    except PatchRejected:
        return False
    return trial.text("write-tree") == tree


def _ignored(git: HostGit, rules: list[bytes], paths: list[bytes]) -> set[bytes]:
    """Those that the base's own .gitignore files ignore: a solver that edits one cannot hide its work."""
    git.records("checkout-index", "-z", "--stdin", stdin=rules)
    try:
        return set(git.records("check-ignore", "-z", "--stdin", "--no-index", stdin=paths)) if paths else set()
    except GitFailed as error:
        if error.status == 1:
            return set()  # none is ignored
        raise


def _same_size(git: HostGit, entry: Entry | None, size: int) -> bool:
    return entry is not None and int(git.text("cat-file", "-s", entry.object)) == size


def _within(path: bytes, folders: set[bytes]) -> bool:
    parts = path.split(b"/")
    return any(b"/".join(parts[:depth]) in folders for depth in range(1, len(parts) + 1))


def _inside(name: str) -> bytes:
    path = PurePosixPath(name)
    bad = path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name
    if bad or any(part.lower() == ".git" for part in path.parts):
        raise PatchRejected(f"{shown(os.fsencode(name))!r} is not a path within the tree")
    return os.fsencode(str(path))


@contextmanager
def _clash(path: bytes) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise PatchRejected(f"{shown(path)} is given as a file and as a folder") from error


def _pairs(fields: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(fields[::2], fields[1::2], strict=True)
