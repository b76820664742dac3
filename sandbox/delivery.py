"""A patch handed over to the person's own repository: to its worktree, or as a commit on a new branch."""

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox import patch as patches
from sandbox.api import BadInput
from sandbox.git import GitFailed, HostGit, persons_setting
from sandbox.origin import Origin, local_origin
from sandbox.patch import PatchRejected
from sandbox.revision import resolve
from sandbox.workspace import DIRTY


def check_apply(repository: str) -> None:
    """Raises BadInput: a patch cannot be applied there."""
    _with_worktree(repository)


def check_branch(repository: str, name: str, base: str) -> None:
    """Whether `branch` can make this one upon the tree that is solved.

    Raises:
        BadInput: it cannot.
    """
    origin = local_origin(Path(repository))
    if base.startswith(DIRTY):
        raise BadInput(
            f"{origin.name} has changes that no commit has, so no branch can hold what is tested: commit them first, "
            "or solve the commit alone with --commit HEAD"
        )
    with TemporaryDirectory(prefix="solve-branch-") as scratch:
        _new_branch(origin, origin.reader(Path(scratch)), name)


def apply_to(repository: str, patch: bytes) -> None:
    """Apply to the worktree, wholly or not at all; the index stays as it is.

    Raises:
        BadInput: the repository is no local one with a worktree.
        PatchRejected: it does not fit, because the worktree changed since.
    """
    origin, work_tree = _with_worktree(repository)
    if not patch.strip():
        return
    with TemporaryDirectory(prefix="solve-apply-") as scratch:
        git = replace(origin.reader(Path(scratch)), work_tree=work_tree)
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
        full = _new_branch(origin, git, name)
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


def _with_worktree(repository: str) -> tuple[Origin, Path]:
    origin = local_origin(Path(repository))
    if origin.work_tree is None:
        raise BadInput(f"{origin.name} has no worktree to apply to: use --branch, or take the patch file")
    return origin, origin.work_tree


def _new_branch(origin: Origin, git: HostGit, name: str) -> str:
    """The full name of a branch that does not exist yet."""
    try:
        full = f"refs/heads/{git.text('check-ref-format', '--branch', name)}"
    except GitFailed as error:
        raise BadInput(f"{name!r} is not a name for a branch: give another one with --branch") from error
    if git.text("for-each-ref", full):
        raise BadInput(f"{origin.name} already has a branch {name}: give another name with --branch")
    return full


def _identity() -> dict[str, str]:
    who = {"NAME": persons_setting("user.name") or "solve", "EMAIL": persons_setting("user.email") or "solve@localhost"}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
