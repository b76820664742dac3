"""Images in a container engine, made by Dockerfiles that stand in `images/`."""

import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError, ImageNotFound

from sandbox.api import BuildFailed, Image, Limits, SandboxUnavailable
from sandbox.archive import pack
from sandbox.base import WORKDIR, Base
from sandbox.base_image import Bases, base_image
from sandbox.cache import Cache
from sandbox.discovery.recipe import Recipe
from sandbox.engine import answers, cgroup_parent, connect
from sandbox.modules import with_modules
from sandbox.registry import fetched
from sandbox.store import Tell
from sandbox.system_packages import with_packages
from sandbox.wheelhouse import TAIL, Target

KEPT = 60  # images of each kind: those of a benchmark stand until its next pass
_FAILED = re.compile(r"non-zero code|exit (?:code|status)")  # how docker and podman tell that a command failed
SECONDS = 600.0  # without a word from the engine while it builds
DOCKERFILES = Path(__file__).with_name("images")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


class DockerStore:
    """`solve/env:KEY` is a repository, `solve/deps:KEY` the dependencies of some, `solve/system:KEY` and
    `solve/modules:KEY` what these stand on; `cache` knows when each was used."""

    def __init__(self, cache: Path, recipe: Recipe, bases: Bases, tell: Tell) -> None:
        """Raises ImageUnavailable if there is no base image, SandboxUnavailable if there is no engine."""
        self._client = connect(SECONDS)
        if (parent := cgroup_parent()) is not None:  # the client's `build` has no parameter for it; its session has
            self._client.api.params = {"cgroupparent": parent}
        self._tell = tell
        self._used = {kind: Cache(cache / "docker" / kind) for kind in ("env", "deps", "modules", "system")}
        found = base_image(self._client, recipe.requires_python, tell, bases)
        found = self._noted(with_packages(found, recipe.system, tell))
        found = self._noted(with_modules(found, recipe, tell))
        with answers("the engine does not say what it is"):
            architecture = str(self._client.version().get("Arch", ""))
            self._cores = int(self._client.info().get("NCPU", 1))
        self._base = found
        self._language = recipe.language
        self.target = Target(found.python, MACHINES.get(architecture, architecture))
        self.system = f"docker {found.id}"

    def turn(self, key: str) -> AbstractContextManager[None]:
        return self._used["env"].turn(key)

    def find(self, key: str) -> Image | None:
        return self._find("env", key)

    def dependencies(self, key: str, name: str, wheels: Callable[[], Path]) -> Image:
        del key
        if self._language != "python":  # what it asked for is in the base
            return Image("docker", self._base.id, WORKDIR)
        with self._used["deps"].turn(name):
            image = self._find("deps", name)
            if image is not None:
                return image
            folder_of_wheels = wheels()
            self._tell("dependencies: installing, without network")
            with tempfile.TemporaryDirectory(prefix="solve-") as folder:
                (Path(folder) / "wheels").mkdir()
                for wheel in folder_of_wheels.glob("*.whl"):
                    shutil.copy2(wheel, Path(folder) / "wheels")
                return self._build("deps", name, Path(folder), "python.Dockerfile", self._base.id)

    def finish(self, key: str, base: Image, tree: Path, installed: Path) -> Image:
        with tempfile.TemporaryDirectory(prefix="stage-", dir=tree.parent) as folder:
            tree.rename(Path(folder) / "tree")
            installed.rename(Path(folder) / "installed")
            return self._build("env", key, Path(folder), "repository.Dockerfile", base.ref)

    def discard(self, key: str) -> None:
        self._remove("env", key)

    def _find(self, kind: str, key: str) -> Image | None:
        if self._used[kind].find(key) is None:
            if not fetched(_tag(kind, key)):
                return None
            self._keep(kind, key)
        with answers("the engine does not say which images it has"):
            try:
                image = self._client.images.get(_tag(kind, key))
            except ImageNotFound:  # somebody else removed it
                return None
        return Image("docker", str(image.id), WORKDIR)

    def _build(self, kind: str, key: str, folder: Path, dockerfile: str, base: str) -> Image:
        shutil.copy2(DOCKERFILES / dockerfile, folder / "Dockerfile")
        failed, lines = self._built(kind, key, folder, base)
        if failed and not by_command(failed):  # another program tidied up between two stages, or the engine is short
            failed, lines = self._built(kind, key, folder, base)
        if failed and not by_command(failed):
            raise SandboxUnavailable(f"the engine does not build: {failed}")
        if failed:
            step = "dependencies" if kind == "deps" else "repository"
            raise BuildFailed(step, "\n".join([*lines[-TAIL:], failed]))
        self._keep(kind, key)
        with answers("the engine does not have what it built"):
            image = self._client.images.get(_tag(kind, key))
        return Image("docker", str(image.id), WORKDIR)

    def _built(self, kind: str, key: str, folder: Path, base: str) -> tuple[str, list[str]]:
        """The error that a build ended with, or empty; and what it said."""
        limits, cores, build = Limits(), self._cores, secrets.token_hex(8)
        lines: list[str] = []
        with tempfile.TemporaryFile() as context, answers("the engine does not build"):
            pack(folder, context, name=".", uid=0, gid=0)
            context.seek(0)
            events = self._client.api.build(
                fileobj=context, custom_context=True, tag=_tag(kind, key), decode=True,
                buildargs={"BASE": base, "BUILD": build},
                rm=True, forcerm=True, network_mode="none",
                # All that the engine's client passes on: a share of processors has no parameter of its own.
                container_limits={
                    "memory": limits.memory, "memswap": limits.memory, "cpusetcpus": _processors(limits.cpus, cores)
                },
            )  # fmt: skip
            failed = _follow(events, lines)
            # Its own stages, and those of builds that were killed: a younger one may be of a build beside this one.
            for left in ({"label": f"solve.build={build}"}, {"label": "solve.image=stage", "until": "1h"}):
                with suppress(APIError):
                    self._client.images.prune({"dangling": True, **left})
        return failed, lines

    def _noted(self, base: Base) -> Base:
        """The same; if it was made here it counts as used now."""
        kind, _, key = base.ref.removeprefix("solve/").partition(":")
        if kind in ("modules", "system"):
            with self._used[kind].turn(key):
                if self._used[kind].find(key) is None:
                    self._keep(kind, key)
        return base

    def _keep(self, kind: str, key: str) -> None:
        """Note that an image was made, and remove the longest unused of its kind. Within a turn."""
        self._used[kind].begin(key)
        self._used[kind].finish(key)
        for stale in self._used[kind].prune(KEPT):
            self._remove(kind, stale)

    def _remove(self, kind: str, key: str) -> None:
        self._used[kind].remove(key)
        with suppress(APIError):  # not there, or a container still uses it
            self._client.api.remove_image(_tag(kind, key))


def by_command(error: str) -> bool:
    """Whether a build ended because a command in it failed; else the fault is the engine's own."""
    return _FAILED.search(error) is not None


def _follow(events: Any, lines: list[str]) -> str:
    """Read what the engine says while it builds into `lines`; the error it ends with, or empty."""
    for event in events:
        if "error" in event:
            return str(event["error"]).strip()
        lines += [line for line in str(event.get("stream", "")).splitlines() if line.strip()]
    return ""


def _processors(cpus: float, cores: int) -> str:
    """So many of the engine's processors, at least one, in its own notation."""
    return f"0-{max(1, min(cores, round(cpus))) - 1}"


def _tag(kind: str, key: str) -> str:
    return f"solve/{kind}:{key}"
