"""A registry of one image, as engines speak to it (OCI distribution, pull only), on loopback."""

import hashlib
import io
import json
import secrets
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def layer() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(f"made-{secrets.token_hex(4)}"))
    return packed.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def described(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(data), "digest": digest(data)}


class Registry:
    """Has `name`, which is NAME:TAG. Use as a context manager."""

    def __init__(self, name: str) -> None:
        content = layer()
        files = {"type": "layers", "diff_ids": [digest(content)]}
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": files}).encode()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described("application/vnd.docker.container.image.v1+json", config),
                "layers": [described("application/vnd.docker.image.rootfs.diff.tar", content)],
            }
        ).encode()
        repository, _, tag = name.partition(":")
        self._known = {f"/v2/{repository}/manifests/{key}": manifest for key in (tag, digest(manifest))}
        self._known |= {f"/v2/{repository}/blobs/{digest(part)}": part for part in (config, content)}
        self.image = digest(config)
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                outer._answer(self)

            def do_GET(self) -> None:
                data = outer._answer(self)
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def _answer(self, handler: BaseHTTPRequestHandler) -> bytes:
        self.asked.append(handler.path)
        data = b"{}" if handler.path == "/v2/" else self._known.get(handler.path)
        handler.send_response(200 if data is not None else 404)
        handler.send_header("Content-Type", MANIFEST if "/manifests/" in handler.path else "application/octet-stream")
        handler.send_header("Content-Length", str(len(data or b"")))
        if data is not None:
            handler.send_header("Docker-Content-Digest", digest(data))
        handler.end_headers()
        return data or b""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
