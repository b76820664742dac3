"""A worktree as it stands → a git tree, without touching the repository: not its index, not its objects."""

import os
import re
import shutil
import stat
from dataclasses import replace
from pathlib import Path

from sandbox.api import MEBIBYTE, BadInput
from sandbox.git import GitFailed, HostGit, persons_setting
from sandbox.origin import Origin
from sandbox.patch import GITLINK, stage
from sandbox.pathname import note

MAX_UNTRACKED = 2048 * MEBIBYTE  # bytes of untracked files in all
# Never taken, tracked or not: they hold secrets by custom. Templates of them do not.
ENVIRONMENT_FILE = re.compile(rb"\.env(rc|\.(?!example$|sample$|template$|dist$).+)?", re.IGNORECASE)
# Not taken unless tracked: tracked ones are test fixtures, which the tests then need.
KEY_FILE = re.compile(
    rb".+\.(pem|key|p12|pfx|jks|keystore|kdbx)|id_(rsa|dsa|ecdsa|ed25519)"
    rb"|\.(netrc|pypirc|npmrc|git-credentials|pgpass|htpasswd)",
    re.IGNORECASE,
)


class Listing:
    """What git's index and ignore rules say about a worktree."""

    def __init__(self, git: HostGit) -> None:
        self.tracked: set[bytes] = set()
        self.fixed: list[bytes] = []  # index lines of what is not read from disk: submodules, sparse files
        self.modules: set[bytes] = set()
        for record in git.records("ls-files", "--cached", "-t", "--stage", "-z"):
            meta, path = record.split(b"\t", 1)
            tag, mode, name, _ = meta.split()
            if int(mode, 8) == GITLINK:
                self.modules.add(path)
            if int(mode, 8) == GITLINK or tag == b"S":  # S: left out of the worktree by a sparse checkout
                self.fixed.append(b"%s %s 0\t%s" % (mode, name, path))
            else:
                self.tracked.add(path)
        self.untracked = set(git.records("ls-files", "--others", "--exclude-standard", "-z"))


def dirty_tree(origin: Origin, reader: HostGit, scratch: Path) -> tuple[HostGit, str, tuple[str, ...]]:
    """The tree of the worktree's tracked and unignored files, byte for byte.

    Returns git on a place that holds all its objects, its name, and notes on what was left out.

    Raises:
        BadInput: there is nothing in it, too much in it, or a file cannot be read.
    """
    assert origin.work_tree is not None
    top = origin.work_tree
    listed = Listing(_lister(origin, reader, scratch))
    present = {path: status for path in listed.tracked | listed.untracked if (status := _status(top, path))}
    nested = sorted(path for path in listed.untracked if path.endswith(b"/"))
    secret = sorted(path for path in present if _is_secret(path, path in listed.tracked))
    taken = present.keys() - set(secret)
    untracked = sum(present[path].st_size for path in taken - listed.tracked)
    if untracked > MAX_UNTRACKED:
        raise BadInput(f"{top} holds {untracked >> 20} MiB of untracked files: add them to .gitignore")
    if not taken and not listed.fixed:
        raise BadInput(f"{top} holds no files to work on")
    # Git touches the time of an object that it finds instead of writing it: so theirs are out of sight while we write.
    git = replace(reader, work_tree=top, index=scratch / "index", alternates=())
    try:
        stage(git, taken, ())
    except GitFailed as error:
        raise BadInput(f"{top} cannot be read: {error}") from error
    git("update-index", "-z", "--index-info", stdin=b"".join(b"%s\0" % line for line in listed.fixed))
    tree = git.text("write-tree", "--missing-ok")
    notes = (
        ("left out, may hold secrets (--commit HEAD takes what is committed)", secret),
        ("left out, a repository of its own", nested),
    )
    return replace(git, alternates=(origin.objects,)), tree, tuple(note(what, paths) for what, paths in notes if paths)


def _lister(origin: Origin, reader: HostGit, scratch: Path) -> HostGit:
    """Git that knows what is tracked and ignored, on a copy of the index: reading one may rewrite it."""
    index = scratch / "theirs"
    if (origin.git_dir / "index").is_file():
        shutil.copyfile(origin.git_dir / "index", index)
    ignored = Path(persons_setting("core.excludesFile") or "~/.config/git/ignore").expanduser()
    return replace(reader, work_tree=origin.work_tree, index=index, settings={"core.excludesFile": str(ignored)})


def _status(top: Path, path: bytes) -> os.stat_result | None:
    """Of a regular file or link that git would take from `path`; None for anything else and behind a link."""
    folder = os.fsencode(top)
    parts = path.split(b"/")
    for part in parts[:-1]:
        folder += b"/" + part
        try:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                return None
        except FileNotFoundError:
            return None
    try:
        status = os.lstat(folder + b"/" + parts[-1])
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode) else None


def _is_secret(path: bytes, tracked: bool) -> bool:
    name = path.rsplit(b"/", 1)[-1]
    return bool(ENVIRONMENT_FILE.fullmatch(name) or (not tracked and KEY_FILE.fullmatch(name)))
