"""A base image and a list of steps → an image, kept under a tag that names what it was made from.

Used where an environment is a script of the field's (SWE-bench's specifications) and not a recipe of ours. A step may
have the network, for packages; it has no secret but the package index's own settings, and nothing of the harness. Once
a step ran without network no later one has it: what was hostile in the first would reach it through the second.
"""

import fcntl
import io
import os
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import docker
import platformdirs
from docker.errors import APIError, ImageNotFound, NotFound

from sandbox.api import BuildFailed, Image, ImageUnavailable, Limits, Owner, SandboxUnavailable
from sandbox.engine import answers, cgroup_parent, connect
from sandbox.labels import Labels
from sandbox.line import Line, Severed
from sandbox.registry import fetched

# How the host reaches its package index; set while a step runs, never kept in the image.
INDEX = (
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX",
    "NPM_CONFIG_REGISTRY", "GOPROXY", "GOSUMDB",
)  # fmt: skip
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # the base image's, where the host's were put when it was made
CERTIFICATES = dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), AUTHORITIES)
TAIL = 3000  # characters of a failed step that are kept
PATIENCE = 3600.0  # seconds for one step


@dataclass(frozen=True, slots=True)
class Step:
    """A script for bash, run as root in `folder` with `set -e`."""

    name: str
    script: str
    folder: str = "/"
    network: bool = False
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Copy:
    """A host file or folder that comes to stand at `path` inside; links as links."""

    source: Path
    path: str


def bake(base: str, tag: str, work: Sequence[Step | Copy], env: Mapping[str, str], workdir: str) -> Image:
    """The image `tag`, fetched or made if it is not there. `tag` must change whenever anything else does.

    Raises:
        ImageUnavailable: the base is not here.
        BuildFailed: a step failed.
        SandboxUnavailable: the engine is gone.
    """
    _check_order(work)
    with _only_one(tag):
        if (kept := baked(tag, env, workdir)) is not None:
            return kept
        if not fetched(tag):
            _make(base, work, env, workdir, tag)
    kept = baked(tag, env, workdir)
    if kept is None:
        raise ImageUnavailable(f"image {tag} was made and is gone again")
    return kept


@contextmanager
def unnamed(base: str, work: Sequence[Step | Copy], workdir: str) -> Iterator[Image]:
    """An image for as long as it is looked at, or longer if others are made from it; raises as `bake`."""
    _check_order(work)
    made = _make(base, work, {}, workdir, "")
    try:
        yield Image("docker", made, workdir)
    finally:
        with _client() as client, answers("the image is not removed"), suppress(APIError):  # another stands on it
            client.api.remove_image(made)


def baked(tag: str, env: Mapping[str, str], workdir: str) -> Image | None:
    """The image of that tag as the engine has it, by its content's name; None if it is not there."""
    with _client() as client, answers("the engine does not say which images it has"):
        try:
            return Image("docker", client.images.get(tag).id, workdir, dict(env))
        except (ImageNotFound, NotFound):
            return None


def pulled(name: str, env: Mapping[str, str], workdir: str) -> Image | None:
    """A published image, fetched if the engine does not have it; None if it cannot be had."""
    if (kept := baked(name, env, workdir)) is not None:
        return kept
    try:
        with _client() as client, answers(f"{name} cannot be pulled"):
            client.images.pull(name)
    except SandboxUnavailable:
        return None
    return baked(name, env, workdir)


@contextmanager
def _client() -> Iterator[docker.DockerClient]:
    client = connect(PATIENCE)
    try:
        yield client
    finally:
        client.close()


def _check_order(work: Sequence[Step | Copy]) -> None:
    networked = [item.network for item in work if isinstance(item, Step)]
    if networked != sorted(networked, reverse=True):
        raise ValueError("a step with network cannot follow one without")


def _make(base: str, work: Sequence[Step | Copy], env: Mapping[str, str], workdir: str, tag: str) -> str:
    """The engine's name of the image that was made."""
    with _client() as client, answers("the image cannot be made"):
        try:
            labels = Labels.mine(Owner("bake", tag), Limits(lifetime=PATIENCE)).text()
            host = client.api.create_host_config(cgroup_parent=cgroup_parent())
            sleep = ["sleep", str(int(PATIENCE))]
            made = client.api.create_container(base, sleep, entrypoint=[], labels=labels, host_config=host)["Id"]
        except ImageNotFound:
            raise ImageUnavailable(f"image {base} is not in the engine: see sandbox/images/") from None
        try:
            client.api.start(made)
            _work(client, made, work)
            settings = [f"ENV {name}={value}" for name, value in env.items()] + [f"WORKDIR {workdir}"]
            settings += [f'LABEL {name}=""' for name in labels]  # an image keeps them, and its containers are others'
            repository, _, version = tag.partition(":")
            return str(client.api.commit(made, repository or None, version or None, changes=settings)["Id"])
        finally:
            client.api.remove_container(made, force=True)


def _work(client: docker.DockerClient, container: str, work: Sequence[Step | Copy]) -> None:
    alone = False
    for item in work:
        if isinstance(item, Copy):
            client.api.put_archive(container, str(Path(item.path).parent), _archive(item))
            continue
        if not item.network and not alone:
            client.networks.get("bridge").disconnect(container)
            alone = True
        _run(client, container, item)


def _run(client: docker.DockerClient, container: str, step: Step) -> None:
    given = {name: os.environ[name] for name in INDEX if name in os.environ} if step.network else {}
    made = client.api.exec_create(
        container,
        ["bash", "-euo", "pipefail", "-c", step.script],
        workdir=step.folder,
        environment={**CERTIFICATES, **given, **step.env},
    )
    tail = _watched(Line(client.api.exec_start(made["Id"], socket=True)), step)
    if client.api.exec_inspect(made)["ExitCode"] != 0:
        raise BuildFailed(step.name, tail.strip())


def _watched(line: Line, step: Step) -> str:
    """The last of what a step printed, when it has ended."""
    tail, until = b"", time.monotonic() + PATIENCE
    try:
        while True:
            tail = b"".join((tail, *(payload for _, payload in line.receive(until))))[-TAIL:]
    except Severed:
        return tail.decode("utf-8", "replace")
    except TimeoutError:
        raise BuildFailed(step.name, f"it took more than {PATIENCE:.0f} s") from None
    finally:
        line.close()


def _archive(item: Copy) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(item.source, Path(item.path).name)
    return packed.getvalue()


@contextmanager
def _only_one(tag: str) -> Iterator[None]:
    """Two processes that make one image at once would each do the whole work."""
    folder = platformdirs.user_cache_path("solve") / "bake"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{tag.replace('/', '_').replace(':', '_')}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
