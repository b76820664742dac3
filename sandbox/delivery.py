"""A patch handed over to the person's own repository: to its worktree, or as a commit on a new branch."""

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox import patch as patches
from sandbox.api import BadInput
from sandbox.git import GitFailed, persons_setting
from sandbox.origin import local_origin
from sandbox.patch import PatchRejected
from sandbox.revision import resolve


def apply_to(repository: str, patch: bytes) -> None:
    """Apply to the worktree, wholly or not at all; the index stays as it is.

    Raises:
        BadInput: the repository is no local one with a worktree.
        PatchRejected: it does not fit, because the worktree changed since.
    """
    origin = local_origin(Path(repository))
    if origin.work_tree is None:
        raise BadInput(f"{origin.name} has no worktree to apply to: use --branch, or take the patch file")
    if not patch.strip():
        return
    with TemporaryDirectory(prefix="solve-apply-") as scratch:
        git = replace(origin.reader(Path(scratch)), work_tree=origin.work_tree)
        # Here the person's own line-end attributes count, as they do when git checks out.
        (git.git_dir / "info" / "attributes").unlink()
        try:
            git("apply", "--whitespace=nowarn", "-", stdin=patch)
        except GitFailed as error:
            problem = str(error).removeprefix("git apply: ")
            raise PatchRejected(f"the patch does not fit {origin.name} as it is now: {problem}") from error


def branch(repository: str, name: str, patch: bytes, message: str, *, base: str = "HEAD") -> str:
    """Commit the patch upon `base` on the new branch `name`; returns the commit. Worktree, index and HEAD stay.

    Raises:
        BadInput: the repository is no local one, the base has no commit, or the branch cannot be made.
        PatchRejected: the patch does not fit the base.
    """
    origin = local_origin(Path(repository))
    with TemporaryDirectory(prefix="solve-branch-") as scratch:
        git = replace(origin.reader(Path(scratch)), index=Path(scratch) / "index", objects=origin.objects)
        parent = resolve(origin, git, base)
        try:
            full = f"refs/heads/{git.text('check-ref-format', '--branch', name)}"
        except GitFailed as error:
            raise BadInput(f"{name!r} is not a name for a branch") from error
        if git.text("for-each-ref", full):
            raise BadInput(f"{origin.name} already has a branch {name}: give --branch another name")
        git("read-tree", parent)
        if patch.strip():
            patches.apply(git, patch)
        tree = git.text("write-tree")
        commit = git("commit-tree", tree, "-p", parent, stdin=message.encode(), environment=_identity())
        try:
            git("update-ref", full, os.fsdecode(commit).strip(), "0" * len(parent))
        except GitFailed as error:
            raise BadInput(f"the branch {name} cannot be made in {origin.name}: {error}") from error
        return os.fsdecode(commit).strip()


def _identity() -> dict[str, str]:
    who = {"NAME": persons_setting("user.name") or "solve", "EMAIL": persons_setting("user.email") or "solve@localhost"}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
