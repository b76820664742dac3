"""A repository's tree and its recipe → an image, kept under the hash of what it was made from.

Building is running hostile code, so it is done in steps that differ in what they may do:

1. *wheels*: on the host, with network, running nothing of what is fetched (`sandbox.wheelhouse`);
2. *dependencies*: the wheels are installed, without network; that runs nothing of them either;
3. *repository*: its own build runs in a sandbox, without network, under the sandbox's limits, with no secret.

A dependency of which there is only a source distribution goes the same way: its build requirements are steps 1 and 2,
its build is step 3, and the wheel that comes out joins the others.
"""

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement

from sandbox import open_sandbox
from sandbox.api import MEBIBYTE, BadInput, BuildFailed, Image, Sandbox
from sandbox.base import host_base
from sandbox.cache import Cache
from sandbox.discovery.detect import detect
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.toolchain import TOOLCHAINS
from sandbox.folder_store import FolderStore
from sandbox.sdist import fetch
from sandbox.store import Store, Tell
from sandbox.tree import remove_tree, walk
from sandbox.wheelhouse import TAIL, digest, fill

Opener = Callable[[Image], Sandbox]
SECONDS = 1800.0  # for the build of one repository
LOG = 400  # lines of a failed step that are kept to learn from
KEPT_WHEELS = 20  # sets of wheels
_INSTALLED = ".solve-installed"  # in the worktree: every kind of sandbox has that, and copies it out
_WHEEL = ".solve-wheel"
_PIP = ("python", "-m", "pip", "--disable-pip-version-check")
_OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")
PIP_ENV: Mapping[str, str] = {"PIP_CONFIG_FILE": os.devnull}  # a machine's own settings are not for a sandbox


def build(tree: Path, recipe: Recipe, kind: str, *, cache: Path, tell: Tell) -> Image:
    """The image of the repository in the folder `tree`, which is left as it is: found in `cache` or made now.

    `kind` is that of the sandbox to open it with. `.git` goes into the image, and is not part of what names it.

    Raises:
        BuildFailed: a step failed; its last lines are in it.
        ImageUnavailable: no base image, or no Python that fits.
        NetworkUnavailable, SandboxUnavailable: no package index, no engine.
        BadInput: no such kind, or a setting of base images that names none.
    """
    return make(tree, recipe, _store(kind, recipe, cache, tell), cache=cache, open_sandbox=open_sandbox, tell=tell)


def make(tree: Path, recipe: Recipe, store: Store, *, cache: Path, open_sandbox: Opener, tell: Tell) -> Image:
    """`build` with its collaborators."""
    key = hashed(store.system, recipe.digest(), content_hash(tree))
    image = store.find(key)
    if image is None:
        with store.turn(key):
            image = store.find(key)  # another process may have made it meanwhile
            if image is None:
                image = Building(store, cache, open_sandbox, tell).run(key, tree, recipe)
    return replace(image, env={**image.env, **_environment(recipe, image)})


def _store(kind: str, recipe: Recipe, cache: Path, tell: Tell) -> Store:
    if kind == "docker":
        from sandbox.base_image import Bases  # the engine's client is slow to import
        from sandbox.docker_store import DockerStore

        return DockerStore(cache, recipe, Bases.of(os.environ), tell)
    if kind not in ("bubblewrap", "local"):
        raise BadInput(f"no image of kind {kind!r}: choose docker, bubblewrap or local")
    if recipe.system:
        tell(f"{kind} adds no system packages: {', '.join(recipe.system)} must be on this machine")
    if recipe.manifests:
        raise BadInput(f"only docker fetches the packages of {', '.join(recipe.manifests)}: give --sandbox docker")
    return FolderStore(cache, kind, host_base(recipe.requires_python))


@dataclass(frozen=True, slots=True)
class Building:
    """The making of one image, or of the wheel of one source distribution."""

    store: Store
    cache: Path
    open_sandbox: Opener
    tell: Tell
    inner: bool = False  # making a wheel: what that needs in turn must have wheels

    def run(self, key: str, tree: Path, recipe: Recipe) -> Image:
        try:
            base = self._dependencies(key, recipe)
            with tempfile.TemporaryDirectory(prefix="build-", dir=self._folder()) as scratch:
                built, installed = Path(scratch, "tree"), Path(scratch, "installed")
                self._repository(base, tree, recipe, built, installed)
                return self.store.finish(key, base, built, installed)
        except BaseException:
            self.store.discard(key)
            raise

    def wheel(self, requirement: Requirement, folder: Path) -> None:
        """Fetch a source distribution and put the wheel that its build makes into `folder`."""
        if self.inner:
            raise BuildFailed("dependencies", f"{requirement}, needed to build a dependency, has no wheel")
        inner = replace(self, inner=True)
        with tempfile.TemporaryDirectory(prefix="sdist-", dir=self._folder()) as scratch:
            tree = fetch(requirement, self.store.target.python, Path(scratch))
            found = detect(tree)
            recipe = replace(found, requirements=())
            key = hashed("wheel", self.store.system, recipe.digest(), content_hash(tree))
            with self.store.turn(key):
                try:
                    base = inner._dependencies(key, recipe)
                    with self.open_sandbox(base) as sandbox:
                        sandbox.copy_in(tree, sandbox.workdir)
                        command = (*_PIP, "wheel", *_OFFLINE, "--wheel-dir", _WHEEL, ".")
                        _step(sandbox, f"building {requirement}", command, recipe.build_env)
                        sandbox.copy_out(_WHEEL, Path(scratch, "wheel"), max_bytes=1024 * MEBIBYTE)
                finally:
                    self.store.discard(key)
            for wheel in Path(scratch, "wheel").glob("*.whl"):
                if not wheel.is_symlink():
                    wheel.rename(folder / wheel.name)

    def _dependencies(self, key: str, recipe: Recipe) -> Image:
        wanted = (*recipe.requirements, *recipe.build_requires)
        name = hashed(self.store.system, digest(wanted, self.store.target), recipe.name)
        return self.store.dependencies(key, name, lambda: self._wheels(wanted, recipe.name))

    def _wheels(self, wanted: Sequence[str], own: str) -> Path:
        """A folder with a wheel for each requirement, but none of the project itself: the tree is that."""
        wheels = Cache(self._folder() / "wheels")
        key = digest((*wanted, f"not {own}"), self.store.target)
        with wheels.turn(key):
            found = wheels.find(key)
            if found is None:
                if wanted:
                    self.tell(f"dependencies: fetching wheels for {len(wanted)} requirements")
                fill(wheels.begin(key), wanted, self.store.target, own=own, build=self.wheel, tell=self.tell)
                found = wheels.finish(key)
        wheels.prune(KEPT_WHEELS)
        return found

    def _repository(self, base: Image, tree: Path, recipe: Recipe, built: Path, installed: Path) -> None:
        if not recipe.editable:
            with self.open_sandbox(base) as sandbox:
                sandbox.copy_in(tree, sandbox.workdir)
                sandbox.copy_out(".", built)
            installed.mkdir()
            return
        self.tell(f"repository: building with {recipe.backend}, without network")
        command = [*_PIP, "install", *_OFFLINE, "--use-pep517", "--no-warn-script-location", "--prefix", _INSTALLED]
        if recipe.backend.startswith("setuptools"):  # new modules of a patch must be found, not only those of today
            command += ["--config-settings", "editable_mode=compat"]
        with self.open_sandbox(base) as sandbox:
            sandbox.copy_in(tree, sandbox.workdir)
            _step(sandbox, "repository", [*command, "--editable", "."], recipe.build_env)
            sandbox.copy_out(_INSTALLED, installed)
            sandbox.copy_out(".", built)
        remove_tree(built / _INSTALLED)
        _remove_leftovers(tree, built, recipe)

    def _folder(self) -> Path:
        self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.cache


def content_hash(tree: Path) -> str:
    """Of names, content, executable bits and links, without the top folder's `.git`; times and owners don't count."""
    total = hashlib.sha256()
    for place, name, parent, found in walk(os.fsencode(tree), None, frozenset((b".git",))):
        content = b""
        if stat.S_ISREG(found.st_mode):
            with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=parent), "rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
        elif stat.S_ISLNK(found.st_mode):
            content = os.readlink(name, dir_fd=parent)
        total.update(repr((place, stat.S_IFMT(found.st_mode), bool(found.st_mode & stat.S_IXUSR), content)).encode())
    return total.hexdigest()


def hashed(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


def _step(sandbox: Sandbox, step: str, command: Sequence[str], env: Mapping[str, str]) -> None:
    result = sandbox.exec(command, env={**PIP_ENV, **env}, timeout=SECONDS, max_output=64 * MEBIBYTE)
    if result.timed_out:
        raise BuildFailed(step, f"it took more than {SECONDS:.0f} s")
    if not result.ok:
        lines = result.text().splitlines()
        raise BuildFailed(step, "\n".join(lines[-TAIL:]), "\n".join(lines[-LOG:]))


def _environment(recipe: Recipe, image: Image) -> Mapping[str, str]:
    """PYTHONPATH where nothing installed leads to the worktree: no build, or a worktree that stands elsewhere now.

    Elsewhere it would do harm: it reaches every Python that a test starts.
    """
    if recipe.language != "python":
        return TOOLCHAINS[recipe.language].env if image.kind == "docker" else {}
    if recipe.editable and image.kind != "local":
        return {}
    top = "{workdir}" if image.kind == "local" else image.workdir
    return {"PYTHONPATH": ":".join(top if root == "." else f"{top}/{root}" for root in recipe.roots)}


def _remove_leftovers(tree: Path, built: Path, recipe: Recipe) -> None:
    """What setuptools writes into a worktree and never reads again; it would show up in a patch."""
    if not recipe.backend.startswith("setuptools"):
        return
    for root in {".", *recipe.roots}:
        for path in [*(built / root).glob("*.egg-info"), *((built / "build",) if root == "." else ())]:
            if not os.path.lexists(tree / path.relative_to(built)):
                remove_tree(path)
