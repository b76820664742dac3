"""`solve doctor`: what this machine can do, and the one command that mends each lack.

Every check looks at one thing and gives a `Finding`; none raises for what it looks at.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import docker
import httpx
import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.run.choice import probe as start_bubblewrap
from sandbox import janitor
from sandbox.api import SandboxUnavailable
from sandbox.base_image import SHAPES, Bases, present
from sandbox.discovery.detect import detect
from sandbox.discovery.recipe import Evidence, Recipe
from sandbox.engine import address, answers, connect
from sandbox.hosttree import remove_left_over
from sandbox.labels import PREFIX, Labels
from sandbox.sdist import client, indexes

PATIENCE = 5.0  # seconds for an engine or a registry to answer
GIBIBYTE = 1 << 30
DISK = 5 * GIBIBYTE  # free: a base image, a few environments, their wheels
MEMORY = 4 * GIBIBYTE  # what one sandbox may use
# Looked up by name only: a value never leaves the environment.
ALONE = ("test command", "not read", "refused")  # of a recipe: sentences and lines, each in a row of its own
KEYS = ("SOLVE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN")


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    ok: bool
    found: str
    mend: str = ""  # a command, or what to do, in one line


def doctor(*, as_json: bool, clean: bool, repo: Path | None, cache: Path, environment: Mapping[str, str]) -> int:
    """Print what this machine can do; with `repo` also how that repository would be built and tested.

    The exit status: 0 if a sandbox can run here, else 3.

    Raises:
        BadInput: there is nothing to detect in `repo`, or the setting of base images names none.
    """
    recipe = None if repo is None else detect(repo)
    removed = swept() if clean else []
    findings = examine(cache, environment)
    sandboxes = [item.name for item in findings if item.ok and item.name in ("docker", "bubblewrap")]
    if as_json:
        print(json.dumps({
            "sandboxes": sandboxes,
            "checks": [asdict(item) for item in findings],
            "removed": removed,
            "recipe": None if recipe is None else described(recipe),
        }))  # fmt: skip
    else:
        show(findings, sandboxes, removed, recipe, Console())
    return 0 if sandboxes else 3


def swept() -> list[str]:
    """What dead runs left in the engine and on disk, removed."""
    containers = [f"container {item.id[:12]} of run {item.run} ({item.reason})" for item in janitor.clean()]
    return [*containers, *(f"folder {path}" for path in remove_left_over())]


def examine(cache: Path, environment: Mapping[str, str]) -> list[Finding]:
    """All checks, in the order they are shown."""
    bases = Bases.of(environment)
    return [*engine(bases), bubblewrap(), index(), disk(cache), memory(), git(), python(), keys(environment)]


def engine(bases: Bases) -> list[Finding]:
    """The container engine, and what only it can tell."""
    try:
        api = connect(PATIENCE)
    except SandboxUnavailable as error:
        return [Finding("docker", False, _short(str(error)), how_to_start())]
    try:
        with answers("the engine does not describe itself"):
            info, version = api.info(), api.version()
        names = [str(item.get("Name", "")) for item in version.get("Components", ())]
        name = "podman" if any("podman" in item.lower() for item in names) else "docker"
        told = f"{name} {version['Version']}, {info['Driver']}, cgroup v{info.get('CgroupVersion', '1')}, {address()}"
        found = [Finding("docker", True, told), base_images(api, bases), leftovers(api)]
        root = Path(info.get("DockerRootDir") or "/")
        return [*found, space("engine's disk", root, "docker system prune")] if root.is_dir() else found
    except SandboxUnavailable as error:
        return [Finding("docker", False, _short(str(error)), how_to_start())]
    finally:
        api.close()


def how_to_start() -> str:
    """The command that brings an engine up here, or makes one reachable."""
    sockets = (Path(f"/run/user/{os.getuid()}/podman/podman.sock"), Path("/run/podman/podman.sock"))
    for socket in sockets:
        if os.access(socket, os.W_OK):
            return f"export DOCKER_HOST=unix://{socket}"
    socket = Path("/var/run/docker.sock")
    if socket.exists() and not os.access(socket, os.W_OK):
        return "sudo usermod -aG docker $USER   (and log in again)"
    if shutil.which("podman"):
        return "systemctl --user start podman.socket"
    if shutil.which("dockerd"):
        return "sudo systemctl start docker   (without systemd, as root: .ci/engine)"
    return "sudo apt-get install docker.io   (or as root: .ci/engine)"


def base_images(api: docker.DockerClient, bases: Bases) -> Finding:
    here = present(api, bases)
    if here:
        return Finding("base image", True, ", ".join(here))
    first = bases.named(bases.versions[0])[0]
    without = "" if bases.shapes != SHAPES else "   (without a registry, as root: make base-image)"
    return Finding("base image", False, f"none of {', '.join(bases.shapes)}", f"docker pull {first}{without}")


def leftovers(api: docker.DockerClient) -> Finding:
    with answers("the engine does not say what runs"):
        listed = api.api.containers(all=True, filters={"label": PREFIX + "owner"})
    labels = [Labels.parse(item["Labels"] or {}) for item in listed]
    dead = [item.run for item in labels if item and item.orphaned()]
    if dead:
        return Finding("leftovers", False, f"{len(dead)} containers of dead runs", "solve doctor --clean")
    return Finding("leftovers", True, "none")


def bubblewrap() -> Finding:
    try:
        start_bubblewrap()
    except SandboxUnavailable as error:
        what, _, mend = str(error).rpartition(": ")
        return Finding("bubblewrap", False, _short(what), mend)
    done = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False)
    return Finding("bubblewrap", True, done.stdout.strip())


def index() -> Finding:
    """The package index that pip is set up with."""
    for url in indexes():
        shown = httpx.URL(url).copy_with(userinfo=b"")
        try:
            with client() as http:
                status = http.head(url, timeout=PATIENCE).status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            why = f"{shown} does not answer ({type(error).__name__})"
            return Finding("package index", False, why, mend_index(error))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.UNAUTHORIZED:
            mend = "pip config set global.index-url URL   (with what it takes to log in)"
            return Finding("package index", False, f"{shown} answers {status}", mend)
        return Finding("package index", True, str(shown))
    return Finding("package index", False, "pip has none of HTTP", "pip config set global.index-url URL")


def mend_index(error: Exception) -> str:
    if "CERTIFICATE" in str(error).upper():
        return "export PIP_CERT=FILE SSL_CERT_FILE=FILE   (FILE: this site's bundle of certificate authorities)"
    return "pip config set global.index-url URL   (an index that this machine reaches)"


def disk(cache: Path) -> Finding:
    if not os.access(standing(cache), os.W_OK | os.X_OK):
        return Finding("disk", False, f"{cache} cannot be written", "export SOLVE_CACHE_DIR=DIR   (a folder of yours)")
    return space("disk", cache, f"rm -r {cache}   (environments and wheels, made anew when needed)")


def standing(path: Path) -> Path:
    """The path, or what there is of it."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())


def space(name: str, path: Path, mend: str) -> Finding:
    free = psutil.disk_usage(str(standing(path))).free
    return Finding(name, free >= DISK, f"{free / GIBIBYTE:.0f} GiB free at {path}", "" if free >= DISK else mend)


def memory() -> Finding:
    free = psutil.virtual_memory().available
    found = f"{free / GIBIBYTE:.1f} GiB available, {os.cpu_count()} cores"
    return Finding("memory", free >= MEMORY, found, "" if free >= MEMORY else "close something, or run with -j 1")


def git() -> Finding:
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return Finding("git", False, "not found", "sudo apt-get install git")
    return Finding("git", True, done.stdout.strip().removeprefix("git version "))


def python() -> Finding:
    return Finding("python", True, f"{sys.version.split()[0]} at {sys.executable}")


def keys(environment: Mapping[str, str]) -> Finding:
    """Not a lack: the built-in model needs none."""
    found = [name for name in KEYS if environment.get(name)]
    return Finding("keys", True, ", ".join(found) or "none set; the built-in model needs none")


def described(recipe: Recipe) -> dict[str, object]:
    return {
        "language": recipe.language,
        "name": recipe.name,
        "requires_python": recipe.requires_python,
        "requirements": list(recipe.requirements),
        "build_requires": list(recipe.build_requires),
        "backend": recipe.backend,
        "roots": list(recipe.roots),
        "test_command": recipe.test_command,
        "build_env": dict(recipe.build_env),
        "system": list(recipe.system),
        "manifests": dict(recipe.manifests),
        "evidence": [asdict(item) for item in recipe.evidence],
        "next": [asdict(item) for item in recipe.following],
    }


def show(
    findings: Sequence[Finding],
    sandboxes: Sequence[str],
    removed: Iterable[str],
    recipe: Recipe | None,
    console: Console,
) -> None:
    for line in removed:
        console.print(f"removed {line}", markup=False, highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found"):
        table.add_column(heading, overflow="fold")
    for item in findings:
        mark = Text("ok", "green") if item.ok else Text("no", "bold red")
        found = Text(item.found) if item.ok else Text(f"{item.found}\n", "").append(f"→ {item.mend}", "bold")
        table.add_row(mark, item.name, found)
    console.print(table)
    if sandboxes:
        line = f"Ready: code runs in {sandboxes[0]} unless you say otherwise."
    else:
        line = "Nothing here isolates code: mend docker or bubblewrap first."
    console.print(f"\n{line}", markup=False, highlight=False)
    if recipe is not None:
        show_recipe(recipe, console)


def show_recipe(recipe: Recipe, console: Console) -> None:
    for heading, found in (("recipe", recipe.evidence), ("if that fails", recipe.following)):
        table = Table(box=None, pad_edge=False)
        table.add_column(heading)
        table.add_column("", overflow="fold")
        for item, values in gathered(found):
            why = "; ".join(filter(None, (f"from {item.source}, confidence {item.confidence}", item.why)))
            table.add_row(Text(item.what), Text(", ".join(values)).append(f"\n{why}", "dim"))
        if found:
            console.print()
            console.print(table)


def gathered(found: Iterable[Evidence]) -> list[tuple[Evidence, list[str]]]:
    """What stands in one file for one reason, as one row: the first of it, and the values."""
    rows: dict[Evidence, list[str]] = {}
    for item in found:
        rows.setdefault(replace(item, value=item.value if item.what in ALONE else ""), []).append(item.value)
    return list(rows.items())


def _short(text: str) -> str:
    return " ".join(text.split())[:300]
