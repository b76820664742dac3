"""Where a repository comes from: a local path, a mirror, or an address to fetch. It is read and never changed."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit, urlunsplit

from sandbox.api import NO_ENV, BadInput, NetworkUnavailable, SandboxUnavailable
from sandbox.credentials import basic_authorization, credential_for
from sandbox.git import VERBATIM, GitFailed, HostGit, gitpython
from sandbox.release import SCHEME, open_release, parse_release

FETCH_TIMEOUT = 1800.0  # seconds; a stalled transfer is given up after a minute
SCHEMES = ("https", "http", "ssh")
SCP_LIKE = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!:)[^\s]+")
OWNER_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]+/(?!\.)[A-Za-z0-9._-]+")
UNREACHABLE = re.compile(
    r"could not resolve|couldn't connect|failed to connect|connection (refused|reset|timed out|closed)"
    r"|operation timed out|network is unreachable|no route to host|early eof|rpc failed|operation too slow"
    r"|temporary failure in name resolution|returned error: (429|5\d\d)|hung up unexpectedly"
    r"|ssl (certificate|connect)|server certificate|gnutls_",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"not found|could not read username|authentication failed|permission denied|returned error: 40[134]"
    r"|access denied|does not appear to be a git repository|could not read from remote",
    re.IGNORECASE,
)
NO_SUCH_REVISION = re.compile(
    r"couldn't find remote ref|not our ref|invalid refspec|unadvertised object|unable to find", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A repository on this machine. Its own configuration, hooks and attributes are never read by our git."""

    name: str  # as it was given, without credentials
    git_dir: Path  # of this worktree: HEAD and index
    common_dir: Path  # objects and refs
    work_tree: Path | None  # None: bare

    @property
    def objects(self) -> Path:
        return self.common_dir / "objects"

    def reader(self, scratch: Path) -> HostGit:
        """Git on a git directory of our own, made in the folder `scratch`: it borrows the repository's objects and
        refs, as git's own `git-new-workdir` does, but not its configuration."""
        shadow = scratch / "shadow"
        (shadow / "info").mkdir(parents=True)
        (shadow / "objects").mkdir()
        for name in ("refs", "packed-refs", "shallow", "reftable", "logs"):
            if (self.common_dir / name).exists():
                (shadow / name).symlink_to(self.common_dir / name)
        for path in (*self.git_dir.glob("*HEAD"), *self.git_dir.glob("sharedindex.*")):
            if path.is_file():
                shutil.copyfile(path, shadow / path.name)
        exclude = self.common_dir / "info" / "exclude"
        if exclude.is_file():
            shutil.copyfile(exclude, shadow / "info" / "exclude")
        (shadow / "info" / "attributes").write_bytes(VERBATIM)
        self._configure(shadow)
        return HostGit(shadow, alternates=(self.objects,))

    def _configure(self, shadow: Path) -> None:
        theirs = self.common_dir / "config"
        values = {key: _setting(theirs, f"extensions.{key}") for key in ("objectformat", "refstorage")}
        extensions = [f"\t{key} = {value}" for key, value in values.items() if value]
        lines = ["[core]", "\trepositoryformatversion = 1", "\tbare = true", "[extensions]", *extensions]
        (shadow / "config").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _setting(config: Path, key: str) -> str:
    if not config.is_file():
        return ""
    try:
        value = HostGit(config.parent).text("config", "--file", str(config), "--no-includes", "--get", key)
    except GitFailed:
        return ""  # not set, or not a configuration at all
    return value if value.isalnum() else ""


@contextmanager
def open_origin(
    repository: str,
    revision: str | None,
    *,
    mirrors: Path | None = None,
    tell: Callable[[str], None],
    environment: Mapping[str, str] = NO_ENV,
) -> Iterator[Origin]:
    """The repository for as long as it is read: fetched to a temporary folder where it is not on this machine.

    Raises:
        BadInput: it is not a repository, not an address git may fetch, not found, or private.
        NetworkUnavailable: its host cannot be reached.
    """
    path = Path(repository).expanduser()
    if not repository.strip() or "\0" in repository:
        raise BadInput("no repository was given: name a folder or an address such as https://github.com/OWNER/NAME")
    if repository.startswith("file://"):
        path = Path(unquote(urlsplit(repository).path))
    if repository.startswith(SCHEME):
        yield replace(local_origin(open_release(parse_release(repository))), name=repository)
        return
    if os.path.lexists(path) or repository.startswith("file://"):
        yield local_origin(path)
        return
    _refuse_odd_address(repository)
    if mirror := _mirror(repository, mirrors):
        yield replace(_bare(mirror), name=repository)
        return
    if OWNER_NAME.fullmatch(repository):
        address = f"https://github.com/{repository}"
        if mirrors is None:
            raise BadInput(f"there is no folder {repository}: give {address}, or bare mirrors by --mirrors DIR")
        raise BadInput(f"there is no {mirrors / repository}.git: put a bare mirror there, or give {address}")
    with TemporaryDirectory(prefix="solve-fetch-") as folder:
        yield _fetch(repository, revision, Path(folder), tell, environment)


def _bare(mirror: Path) -> Origin:
    try:
        return local_origin(mirror)
    except BadInput:
        raise BadInput(f"{mirror} is no mirror that git can read: make it anew with git clone --mirror") from None


def local_origin(path: Path) -> Origin:
    """The repository in a folder: its worktree, or a bare one.

    Raises:
        BadInput: the folder is no repository.
    """
    found = gitpython().repo.fun
    path = path.expanduser().resolve()
    if not path.is_dir():
        problem = "is not a folder" if path.exists() else "does not exist"
        raise BadInput(f"{path} {problem}: --repo takes a folder or an address")
    linked = found.find_submodule_git_dir(
        str(path / ".git")
    )  # a folder, or a file that names one: worktrees, submodules
    if linked is not None:
        git_dir = (path / linked).resolve()
        return Origin(str(path), git_dir, _common_dir(git_dir), path)
    if found.is_git_dir(str(path)):
        return Origin(str(path), path, _common_dir(path), None)
    above = next((parent for parent in path.parents if (parent / ".git").exists()), None)
    if above is not None:
        raise BadInput(f"{path} is inside the repository {above}: give --repo {above}")
    raise BadInput(f"{path} is not a git repository: make it one (git init), or give --repo another folder")


def _common_dir(git_dir: Path) -> Path:
    link = git_dir / "commondir"
    return (git_dir / os.fsdecode(link.read_bytes()).strip()).resolve() if link.is_file() else git_dir


def _refuse_odd_address(repository: str) -> None:
    """Everything that is not plainly a path, OWNER/NAME or an address of a protocol we speak: `ext::sh -c ...`."""
    scheme = repository.split("://", 1)[0] if "://" in repository else ""
    known = scheme in SCHEMES or SCP_LIKE.fullmatch(repository) or OWNER_NAME.fullmatch(repository)
    if "::" in repository.split("/")[0] or repository.startswith("-") or (scheme and not known):
        raise BadInput(f"{without_login(repository)!r} is not an address git may fetch here: use https or ssh")
    if not known:
        raise BadInput(f"{repository} does not exist: name a folder or an address")


def _mirror(repository: str, mirrors: Path | None) -> Path | None:
    if mirrors is None:
        return None
    tail = repository.rstrip("/").removesuffix(".git").replace(":", "/").split("/")[-2:]
    slug = "/".join(tail)
    path = mirrors / f"{slug}.git"
    return path if OWNER_NAME.fullmatch(slug) and path.is_dir() else None


def without_login(address: str) -> str:
    """An address that may be shown and kept."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", address)


def _fetch(
    address: str, revision: str | None, folder: Path, tell: Callable[[str], None], environment: Mapping[str, str]
) -> Origin:
    shown = without_login(address)
    clean, settings = _authorised(address, environment)
    bare = HostGit(folder, settings=settings)
    bare("init", "--bare", "--quiet", str(folder))
    origin = Origin(shown, folder, folder, None)
    tell(f"fetching {shown}")
    (folder / "HEAD").write_text("ref: refs/solve/fetched\n", encoding="ascii")
    try:
        # The tree of one commit is all that is needed: history would be thrown away.
        _transfer(bare, ("--depth=1", "--no-tags", clean, f"+{revision or 'HEAD'}:refs/solve/fetched"), tell)
        if revision and not _is_known(bare, revision):
            bare("update-ref", f"refs/tags/{revision}", "refs/solve/fetched")
        return origin
    except GitFailed as error:
        if revision is None or not NO_SUCH_REVISION.search(error.stderr):
            raise _blamed(shown, error, environment) from error
    tell(f"{revision} is neither a branch nor a tag: fetching the history of {shown}")
    try:
        _transfer(bare, ("--tags", clean, "+refs/heads/*:refs/heads/*", "+HEAD:refs/solve/fetched"), tell)
    except GitFailed as error:
        raise _blamed(shown, error, environment) from error
    return origin


def _is_known(bare: HostGit, revision: str) -> bool:
    try:
        bare("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except GitFailed:
        return False
    return True


def _transfer(bare: HostGit, arguments: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """Fetch, telling each stage once and then every fifth of it."""
    from git import RemoteProgress

    told: set[tuple[int, int]] = set()

    class Progress(RemoteProgress):
        def update(
            self,
            op_code: int,
            cur_count: str | float,
            max_count: str | float | None = None,
            message: str = "",
        ) -> None:
            step = int(5 * float(cur_count or 0) / float(max_count or 1)) if max_count else 0
            if max_count and op_code & (self.RECEIVING | self.RESOLVING) and (op_code & self.OP_MASK, step) not in told:
                told.add((op_code & self.OP_MASK, step))
                tell(f"{(self._cur_line or '').strip()}")

    try:
        bare.watched("fetch", "--progress", *arguments, on_line=Progress().new_message_handler(), timeout=FETCH_TIMEOUT)
    except SandboxUnavailable as error:
        raise NetworkUnavailable(str(error)) from error


def _authorised(address: str, environment: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The address without a login, and the setting that carries the login: a command line is seen by every user."""
    parts = urlsplit(address) if address.startswith(("https://", "http://")) else None
    if parts is None or not parts.hostname:
        return address, {}
    host = parts.netloc.rpartition("@")[2]
    if parts.username is not None:
        value = basic_authorization(unquote(parts.username), unquote(parts.password or ""))
    else:
        # A token goes over an encrypted line only.
        value = credential_for(host, environment).basic() if parts.scheme == "https" else ""
    clean = urlunsplit(parts._replace(netloc=host))
    return clean, {f"http.{parts.scheme}://{host}/.extraHeader": f"Authorization: {value}"} if value else {}


def _blamed(shown: str, error: GitFailed, environment: Mapping[str, str]) -> BadInput | NetworkUnavailable:
    if UNREACHABLE.search(error.stderr):
        return NetworkUnavailable(f"{shown} cannot be reached: {error}")
    if not REFUSED.search(error.stderr):
        return BadInput(f"{shown} cannot be fetched: {error}")
    parts = urlsplit(shown)
    if parts.scheme in ("https", "http"):
        advice = credential_for(parts.netloc, environment).advice()
    else:
        advice = "check the address, and that your ssh key may read it"
    return BadInput(f"{shown} was not found or is private: {advice}")
