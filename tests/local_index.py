"""A package index on this machine: what is installed here, packed into wheels again, and whatever a test adds.

Tests that build environments ask pip for wheels, and no test reaches beyond this machine.
"""

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import Distribution, distribution
from pathlib import Path
from threading import Thread

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

INSTALLED = ("pytest", "hatchling", "editables")  # with all that they require


class LocalIndex:
    """Files below `folder/simple/PROJECT/`, and a page for each project as PEP 503 has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, project: str, filename: str, content: bytes) -> None:
        place = self.folder / "simple" / canonicalize_name(project)
        place.mkdir(parents=True, exist_ok=True)
        (place / filename).write_bytes(content)
        files = sorted(path for path in place.iterdir() if path.name != "index.html")
        links = [f'<a href="{p.name}#sha256={hashlib.sha256(p.read_bytes()).hexdigest()}">{p.name}</a>' for p in files]
        (place / "index.html").write_text("<!DOCTYPE html>" + "<br>".join(links))

    def add_installed(self, *names: str) -> None:
        """Wheels of installed distributions and of what they require here."""
        waiting, seen = list(names), set()
        while waiting:
            found = distribution(waiting.pop())
            name = canonicalize_name(found.name)
            if name in seen:
                continue
            seen.add(name)
            self.add(name, f"{name.replace('-', '_')}-{found.version}-py3-none-any.whl", _packed(found))
            needs = map(Requirement, found.requires or ())
            waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]

    def add_sdist(self, name: str, version: str, files: Mapping[str, str]) -> None:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for path, text in files.items():
                member = tarfile.TarInfo(f"{name}-{version}/{path}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        self.add(name, f"{name}-{version}.tar.gz", stream.getvalue())

    @contextmanager
    def served(self) -> Iterator[str]:
        """The address of the simple API."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(self.folder)))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        pass


def _packed(found: Distribution) -> bytes:
    stream = io.BytesIO()
    record = []
    with zipfile.ZipFile(stream, "w") as wheel:
        for file in found.files or ():
            path = Path(str(found.locate_file(file)))
            outside = file.parts[0] == ".." or "__pycache__" in file.parts
            if outside or file.name in ("RECORD", "direct_url.json", "INSTALLER", "REQUESTED") or not path.is_file():
                continue
            content = path.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{file},sha256={digest},{len(content)}")
            wheel.writestr(str(file), content)
        own = next(str(file) for file in found.files or () if file.name == "RECORD")
        wheel.writestr(own, "\n".join([*record, f"{own},,", ""]))
    return stream.getvalue()
