"""What a person calls a commit → its full name."""

import difflib
import re

from sandbox.api import BadInput
from sandbox.git import GitFailed, HostGit
from sandbox.origin import Origin

HEXADECIMAL = re.compile(r"[0-9a-fA-F]{4,}")


def resolve(origin: Origin, git: HostGit, revision: str, *, missing: str | None = None) -> str:
    """The full name of the commit that `revision` means in `origin`; `missing`, if given, where there is none.

    Raises:
        BadInput: there is no such commit, or more than one; the message lists near names.
    """
    if revision.startswith("-") or "\0" in revision or not revision.strip():
        raise BadInput(f"{revision!r} is not a revision: give a commit, branch or tag")
    try:
        return git.text("rev-parse", "--verify", f"{revision}^{{commit}}")
    except GitFailed as error:
        if missing is not None:
            return missing
        if revision == "HEAD":
            raise BadInput(f"{origin.name} has no commit at HEAD yet: commit something, or name a revision") from error
        raise BadInput(f"{origin.name} has no revision {revision!r}{_near(git, revision)}") from error


def _near(git: HostGit, revision: str) -> str:
    if HEXADECIMAL.fullmatch(revision):
        found = git.text("rev-parse", f"--disambiguate={revision}").split()
        if found:
            return f", but objects {', '.join(found[:5])}: give more of its name"
    names = git.text("for-each-ref", "--format=%(refname:short)").splitlines()
    near = difflib.get_close_matches(revision, names, n=5, cutoff=0.5) or names[:5]
    return f"; there is {', '.join(near)}" if near else ": fetch it first, or give a full commit name"
