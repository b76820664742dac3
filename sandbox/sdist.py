"""A source distribution from the user's package index, fetched and unpacked without running anything of it.

pip would run its build back end for the metadata. Here only the index is asked (the simple API, PEP 503 and 691), by
the addresses that pip is configured with, and the archive is unpacked by the sandbox's own reader of hostile archives.
"""

import ast
import gzip
import hashlib
import io
import os
import ssl
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urldefrag, urljoin

import httpx
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import Version
from pip._internal.models.index import PyPI

from sandbox.api import MEBIBYTE, BuildFailed, NetworkUnavailable, PathRefused
from sandbox.archive import unpack

MAX_BYTES = 256 * MEBIBYTE
MAX_MEMBERS = 100_000
SECONDS = 30.0  # without an answer
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that an index offers."""

    url: str
    filename: str
    sha256: str
    requires_python: str = ""
    yanked: bool = False
    uploaded: str = ""  # ISO 8601; not every index says so (PEP 700)


def fetch(requirement: Requirement, python: str, folder: Path) -> Path:
    """The newest source distribution that answers `requirement` on `python`, unpacked below `folder`.

    Raises:
        BuildFailed: at step "dependencies": no index has one, or what came is not what the index said.
        NetworkUnavailable: an index that may have one cannot be reached.
    """
    step = "dependencies"
    seen: list[str] = []
    for index in indexes():
        try:
            with client() as http:
                offer = best(offers(http, index, requirement.name), requirement, python)
                if offer is None:
                    seen.append(f"{_public(index)}: none fits")
                    continue
                content = download(http, offer)
            return unpack_sdist(content, folder)
        except httpx.TransportError as error:
            raise NetworkUnavailable(f"{_public(index)} cannot be reached ({type(error).__name__})") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            seen.append(f"{_public(index)}: {type(error).__name__}")
        except (PathRefused, ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BuildFailed(step, f"the source distribution of {requirement}: {error}") from error
    raise BuildFailed(step, f"no wheel and no source distribution of {requirement}\n" + "\n".join(seen))


def indexes() -> tuple[str, ...]:
    """The addresses of the simple API that pip is configured with, of HTTP only. They may hold credentials."""
    return _configured(tuple(sorted(item for item in os.environ.items() if item[0].startswith("PIP_"))))


@cache
def _configured(environment: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """pip takes half a second to say it, so it is asked once for each environment (which it reads by itself)."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    found = _setting(done.stdout, "index-url") or [PyPI.simple_url]  # pip's own default
    found += _setting(done.stdout, "extra-index-url")
    return tuple(url.rstrip("/") + "/" for url in found if url.startswith(("https://", "http://")))


def client() -> httpx.Client:
    """With pip's certificate bundle, where it has one of its own."""
    bundle = os.environ.get("PIP_CERT")
    if bundle:
        return httpx.Client(timeout=SECONDS, follow_redirects=True, verify=ssl.create_default_context(cafile=bundle))
    return httpx.Client(timeout=SECONDS, follow_redirects=True)


def offers(http: httpx.Client, index: str, name: str) -> list[Offer]:
    """What an index has of a project. Raises httpx.HTTPError."""
    response = http.get(urljoin(index, canonicalize_name(name) + "/"), headers={"Accept": _ACCEPT})
    if response.status_code == httpx.codes.NOT_FOUND:
        return []
    response.raise_for_status()
    if "json" in response.headers.get("content-type", ""):
        data = response.json()
        files = data.get("files") if isinstance(data, dict) else None
        return [_offer(item, str(response.url)) for item in files or () if isinstance(item, dict)]
    page = _Links(str(response.url))
    page.feed(response.text)
    return page.found


def best(found: list[Offer], requirement: Requirement, python: str) -> Offer | None:
    """The newest that fits: not yanked, a gzipped tar archive with a hash, for this Python."""
    fitting: list[tuple[Version, Offer]] = []
    for offer in found:
        try:
            version = parse_sdist_filename(offer.filename)[1]
            fits = SpecifierSet(offer.requires_python).contains(python)
        except (InvalidSdistFilename, InvalidSpecifier):
            continue
        if fits and offer.sha256 and not offer.yanked and offer.filename.endswith(".tar.gz"):
            fitting.append((version, offer))
    allowed = set(requirement.specifier.filter(version for version, _ in fitting))
    return max((pair for pair in fitting if pair[0] in allowed), key=lambda pair: pair[0], default=(None, None))[1]


def download(http: httpx.Client, offer: Offer) -> bytes:
    """The bytes of the file. Raises httpx.HTTPError, and ValueError if it is too large or another file."""
    content = bytearray()
    with http.stream("GET", offer.url) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BYTES:
                raise ValueError(f"{offer.filename} is larger than {MAX_BYTES // MEBIBYTE} MiB")
    if hashlib.sha256(content).hexdigest() != offer.sha256:
        raise ValueError(f"{offer.filename} does not have the hash that the index states")
    return bytes(content)


def unpack_sdist(content: bytes, folder: Path) -> Path:
    """The archive's one top folder, below `folder`.

    Raises:
        PathRefused, ValueError, EOFError, gzip.BadGzipFile, zlib.error: it is malformed, hostile or too large.
    """
    target = Path(tempfile.mkdtemp(dir=folder)) / "source"
    with gzip.open(io.BytesIO(content)) as stream:
        unpack(cast(IO[bytes], stream), target, max_bytes=MAX_BYTES, max_members=MAX_MEMBERS)
    tops = [path for path in target.iterdir() if path.is_dir() and not path.is_symlink()]
    if len(tops) != 1:
        raise ValueError(f"it holds {len(tops)} folders at its top")
    return tops[0]


def _setting(listing: str, name: str) -> list[str]:
    """From what `pip config list` prints, `SECTION.NAME='VALUE'`; the environment (`:env:`) wins, then `download`."""
    found = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, setting = key.strip().rpartition(".")
        if setting == name:
            found[section] = str(ast.literal_eval(value))
    best = next((found[section] for section in (":env:", "download", "global") if section in found), "")
    return best.split()


def _offer(item: Mapping[str, Any], page: str) -> Offer:
    hashes = item.get("hashes")
    return Offer(
        url=urljoin(page, str(item.get("url", ""))),
        filename=str(item.get("filename", "")),
        sha256=str(hashes.get("sha256", "")) if isinstance(hashes, dict) else "",
        requires_python=str(item.get("requires-python") or ""),
        yanked=bool(item.get("yanked")),
        uploaded=str(item.get("upload-time") or ""),
    )


class _Links(HTMLParser):
    """The anchors of a project's page, as PEP 503 has them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._page = page
        self.found: list[Offer] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag != "a" or not values.get("href"):
            return
        url, fragment = urldefrag(urljoin(self._page, values["href"] or ""))
        self.found.append(
            Offer(
                url=url,
                filename=url.rpartition("/")[2],
                sha256=fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else "",
                requires_python=values.get("data-requires-python") or "",
                yanked="data-yanked" in values,
            )
        )


def _public(url: str) -> str:
    return httpx.URL(url).host
