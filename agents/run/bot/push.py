"""A patch → a commit on the bot's branch, by git's plumbing: no work tree, no hook, no filter, nothing of it run.

Pushed with a lease on the commit that the bot pushed last: what anybody else put there is never overwritten.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.run.bot.artifact import Before
from agents.run.bot.settings import is_private
from sandbox import patch as patches
from sandbox.api import BadInput, NetworkUnavailable, SandboxUnavailable
from sandbox.credentials import basic_authorization
from sandbox.git import GitFailed, HostGit
from sandbox.patch import Change

TIMEOUT = 600.0  # seconds for one transfer
MOVED = ("stale info", "[rejected]", "fetch first", "non-fast-forward")


class BranchMoved(ValueError):
    """The branch is not where the bot left it: it is somebody else's now."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository on a forge, and what opens it."""

    address: str  # https, or http on this machine
    user: str
    token: str

    def settings(self) -> dict[str, str]:
        """Raises BadInput: the address is not encrypted."""
        if not is_private(self.address):
            raise BadInput(f"{self.address} is not encrypted: a token goes over https only")
        return {
            f"http.{self.address}.extraHeader": f"Authorization: {basic_authorization(self.user, self.token)}",
            "http.followRedirects": "false",
        }


@dataclass(frozen=True, slots=True)
class Base:
    """The commit that a patch is made for, on this machine, and the patch read against it."""

    remote: Remote
    git: HostGit
    commit: str

    def before(self, changes: Sequence[Change]) -> Before:
        known = {os.fsdecode(path): entry for path, entry in patches.entries(self.git, "HEAD").items()}
        touched = {change.path: known[change.path].object for change in changes if change.path in known}
        contents = patches.blobs(self.git, touched.values())
        modes = {path: entry.mode for path, entry in known.items()}
        return Before(modes, {path: contents[name] for path, name in touched.items()})

    def changes(self, patch: bytes) -> tuple[Change, ...]:
        """Raises PatchRejected."""
        return patches.changes(self.git, patch)

    def push(self, patch: bytes, branch: str, message: str, who: str, email: str, expected: str) -> str:
        """Commit the patch and push it; the commit. `expected`: what the branch stands at, empty if it is not there.

        Raises:
            BranchMoved: it stands elsewhere.
            PatchRejected: the patch does not fit.
            BadInput: the token may not push.
            NetworkUnavailable: the forge does not answer.
        """
        with patches.scratch(self.git) as scratch:
            patches.apply(scratch, patch)
            tree = scratch.text("write-tree")
            identity = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in
                        (("NAME", who), ("EMAIL", email))}  # fmt: skip
            made = scratch("commit-tree", tree, "-p", self.commit, stdin=message.encode(), environment=identity)
            commit = os.fsdecode(made).strip()
            full = f"refs/heads/{branch}"
            sender = HostGit(scratch.git_dir, alternates=scratch.alternates, settings=self.remote.settings())
            with _blamed(branch):
                sender(
                    "push",
                    "--quiet",
                    "--no-verify",
                    "--no-follow-tags",
                    f"--force-with-lease={full}:{expected}",
                    "--end-of-options",
                    self.remote.address,
                    f"{commit}:{full}",
                    timeout=TIMEOUT,
                )
        return commit


@contextmanager
def fetched(remote: Remote, commit: str) -> Iterator[Base]:
    """The tree of one commit of the remote, without history. Raises as `Base.push`."""
    with TemporaryDirectory(prefix="solve-publish-") as name:
        git = HostGit(Path(name), settings=remote.settings())
        git("init", "--bare", "--quiet", name)
        with _blamed(commit):
            git(
                "fetch",
                "--quiet",
                "--depth=1",
                "--no-tags",
                "--end-of-options",
                remote.address,
                commit,
                timeout=TIMEOUT,
            )
        git("update-ref", "--no-deref", "HEAD", commit)
        yield Base(remote, git, commit)


@contextmanager
def _blamed(what: str) -> Iterator[None]:
    try:
        yield
    except SandboxUnavailable as error:
        raise NetworkUnavailable(str(error)) from error
    except GitFailed as error:
        said = error.stderr
        if any(word in said for word in MOVED):
            raise BranchMoved(f"{what} is not where I left it") from error
        if "403" in said or "401" in said or "denied" in said.lower() or "could not read Username" in said:
            raise BadInput("the token may not push: give the job `contents: write`") from error
        if "[remote rejected]" in said:
            raise BadInput(f"the forge does not take the push: {refusal_in(said)}") from error
        raise NetworkUnavailable(f"git could not reach the forge: {error}") from error


def refusal_in(said: str) -> str:
    """What stands in brackets behind a refused ref: a protected branch, a rule of the repository."""
    line = next(line for line in said.splitlines() if "[remote rejected]" in line)
    return line.rpartition("(")[2].rstrip(") ")[:200]
