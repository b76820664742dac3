"""A release by its hash → a repository with one commit: `pypi:NAME==VERSION#sha256=HEX`, an address as any other.

The source distribution is fetched from the index that pip is set up with, and nothing of it runs. Equal archives give
equal commits, so a row can name the base commit of a release that nobody has published as one.
"""

import gzip
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import Version

from sandbox.api import BadInput, NetworkUnavailable
from sandbox.cache import cache_folder
from sandbox.git import IDENTITY, VERBATIM, HostGit
from sandbox.sdist import Offer, client, download, indexes, offers, unpack_sdist

SCHEME = "pypi:"
ADDRESS = re.compile(r"pypi:(?P<package>[A-Za-z0-9][\w.-]*)==(?P<version>[\w.!+-]+)#sha256=(?P<sha256>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Release:
    """A source distribution that can be no other."""

    package: str
    version: str
    sha256: str
    uploaded: str = ""  # ISO 8601, where the index says so

    @property
    def address(self) -> str:
        return f"{SCHEME}{self.package}=={self.version}#sha256={self.sha256}"


def parse_release(address: str) -> Release:
    """Raises BadInput: it is no address of a release."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise BadInput(f"{address!r} is no release: write pypi:NAME==VERSION#sha256=HEX, the hash of its sdist")
    return Release(found["package"], found["version"], found["sha256"])


def releases(package: str) -> list[Release]:
    """The releases of which the index has a source distribution, oldest first; no pre-releases, nothing yanked.

    Raises:
        BadInput: no index knows the package.
        NetworkUnavailable: no index answers.
    """
    found: dict[Version, Release] = {}
    for offer in _offers(package):
        try:
            version = parse_sdist_filename(offer.filename)[1]
        except InvalidSdistFilename:
            continue
        if offer.sha256 and not offer.yanked and offer.filename.endswith(".tar.gz") and not version.is_prerelease:
            found[version] = Release(canonicalize_name(package), str(version), offer.sha256, offer.uploaded)
    if not found:
        raise BadInput(f"the package index has no source distribution of {package}: is its name right?")
    return [found[version] for version in sorted(found)]


def open_release(release: Release) -> Path:
    """A bare repository with the release as its one commit, made where it is not kept yet.

    Raises:
        BadInput: the archive cannot be unpacked.
        NetworkUnavailable: no index that pip is set up for has this very archive, or none answers.
    """
    folder = cache_folder(os.environ) / "releases"
    kept = folder / f"{canonicalize_name(release.package)}-{release.sha256[:24]}.git"
    if kept.is_dir():
        return kept
    content = _fetched(release)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(prefix="making-", dir=folder) as scratch:
        made = Path(scratch) / "made.git"
        try:
            tree = unpack_sdist(content, Path(scratch))
        except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadInput(f"the archive of {release.package} {release.version} cannot be used: {error}") from error
        _commit(made, tree, f"{release.package} {release.version}")
        try:
            made.rename(kept)
        except OSError:
            if not kept.is_dir():  # else another process was quicker, and what it made is the same
                raise
    return kept


def head(repository: Path) -> str:
    """The one commit of such a repository."""
    return HostGit(repository).text("rev-parse", "HEAD")


def _commit(made: Path, tree: Path, message: str) -> None:
    HostGit(made.parent)("init", "--quiet", "--bare", "--initial-branch=main", str(made))
    (made / "info").mkdir(exist_ok=True)
    (made / "info" / "attributes").write_bytes(VERBATIM)
    git = HostGit(made, tree)
    git("add", "--all", "--force")
    commit = os.fsdecode(git("commit-tree", git.text("write-tree"), "-m", message, environment=IDENTITY)).strip()
    git("update-ref", "refs/heads/main", commit)
    (made / "index").unlink()


def _fetched(release: Release) -> bytes:
    """Raises NetworkUnavailable: no index has it."""
    problem = "none has this hash"
    for index in indexes():
        try:
            with client() as http:
                for offer in offers(http, index, release.package):
                    if offer.sha256 == release.sha256:
                        return download(http, offer)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            problem = type(error).__name__
    raise NetworkUnavailable(
        f"{release.package} {release.version} cannot be had from the package index ({problem}): see `solve doctor`"
    )


def _offers(package: str) -> list[Offer]:
    """Of the first index that has the package. Raises NetworkUnavailable: none answers."""
    answered = False
    for index in indexes():
        try:
            with client() as http:
                found = offers(http, index, package)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            continue
        if found:
            return found
        answered = True
    if not answered:
        raise NetworkUnavailable("no package index that pip is set up with answers: see `solve doctor`")
    return []
