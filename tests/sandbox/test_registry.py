"""A package index over real HTTP on loopback."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox.api import BadInput, NetworkUnavailable
from sandbox.registry import fetch_file

CONTENT = b"an sdist"
HASH = hashlib.sha256(CONTENT).hexdigest()


class Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages = {
            "/simple/some-package/": json.dumps(
                {"meta": {}, "files": [{"filename": "p-1.tar.gz", "url": "../../f/p"}]}
            ).encode(),
            "/simple/old/": b"<html>",
            "/f/p": CONTENT,
        }
        body = pages.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple/"
    server.shutdown()
    server.server_close()


def test_a_file_is_fetched_once_and_checked(index: str, tmp_path: Path) -> None:
    path = fetch_file(index, "Some.Package", "p-1.tar.gz", HASH, tmp_path / "cache")
    assert path.read_bytes() == CONTENT
    assert fetch_file("http://127.0.0.1:1/", "Some.Package", "p-1.tar.gz", HASH, tmp_path / "cache") == path


def test_another_content_than_the_pinned_one_is_refused(index: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not the one that was pinned"):
        fetch_file(index, "some-package", "p-1.tar.gz", "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_the_registry_lacks_is_named(index: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="knows no nothing"):
        fetch_file(index, "nothing", "p-1.tar.gz", HASH, tmp_path)
    with pytest.raises(BadInput, match=r"has no p-2\.tar\.gz"):
        fetch_file(index, "some-package", "p-2.tar.gz", HASH, tmp_path)


def test_a_registry_that_is_away_or_too_old_is_infrastructure(index: str, tmp_path: Path) -> None:
    with pytest.raises(NetworkUnavailable, match="cannot be reached"):
        fetch_file("http://127.0.0.1:1/", "some-package", "p-1.tar.gz", HASH, tmp_path)
    with pytest.raises(NetworkUnavailable, match="PEP 691"):
        fetch_file(index, "old", "p-1.tar.gz", HASH, tmp_path)
