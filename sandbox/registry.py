"""The Python package registry this machine is set up for: where it is, and one file of it by name and hash.

pip's own way to fetch an sdist runs the package's build to read its metadata. This reads the registry's index by its
JSON interface (PEP 691) and runs nothing.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

import httpx
from packaging.utils import canonicalize_name
from pip._internal.models.index import PyPI
from pydantic import BaseModel, ValidationError

from sandbox.api import MEBIBYTE, BadInput, NetworkUnavailable

ACCEPT = {"Accept": "application/vnd.pypi.simple.v1+json"}
LIMIT = 64 * MEBIBYTE
TIMEOUT = httpx.Timeout(30.0, connect=10.0)


class File(BaseModel):
    filename: str
    url: str


class Project(BaseModel):
    """What is read of a project's page; its other fields are passed over."""

    files: list[File]


def index_url() -> str:
    """The index that pip uses here: its environment, its settings, else its built-in one."""
    told = os.environ.get("PIP_INDEX_URL") or _setting("global.index-url") or PyPI.simple_url
    return told.rstrip("/") + "/"


def fetch_file(index: str, package: str, filename: str, sha256: str, folder: Path) -> Path:
    """The file in `folder`, fetched from the index at `index` (see `index_url`) unless it is there already with the right hash.

    Raises:
        BadInput: the registry does not have it, or has another content under the name.
        NetworkUnavailable: the registry cannot be reached.
    """
    target = folder / filename
    if target.is_file() and _digest(target.read_bytes()) == sha256:
        return target
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
            data = _download(client, index, package, filename)
    except httpx.HTTPError as error:
        raise NetworkUnavailable(f"the package registry cannot be reached ({error}): see `solve doctor`") from error
    if _digest(data) != sha256:
        raise BadInput(f"{filename} of the registry is not the one that was pinned: its SHA-256 is {_digest(data)}")
    folder.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{filename}.{os.getpid()}")
    scratch.write_bytes(data)
    return scratch.replace(target)


def _download(client: httpx.Client, index: str, package: str, filename: str) -> bytes:
    page = client.get(urljoin(index, f"{canonicalize_name(package)}/"), headers=ACCEPT)
    if page.status_code == httpx.codes.NOT_FOUND:
        raise BadInput(f"the package registry knows no {package}")
    try:
        project = Project.model_validate_json(page.raise_for_status().content)
    except ValidationError as error:
        raise NetworkUnavailable("the package registry does not speak the JSON index (PEP 691)") from error
    url = next((file.url for file in project.files if file.filename == filename), None)
    if url is None:
        raise BadInput(f"the package registry has no {filename}")
    with client.stream("GET", urljoin(str(page.url), url)) as response:
        response.raise_for_status()
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > LIMIT:
                raise BadInput(f"{filename} is larger than {LIMIT // MEBIBYTE} MiB")
    return bytes(data)


def _setting(name: str) -> str:
    """One of pip's settings, from its files; empty where it has none."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", name], capture_output=True, text=True, timeout=30
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
