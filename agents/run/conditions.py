"""What the results of a batch rest on, by digest: settings, rows, base images, prompts, code."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from agents import models
from agents.run.folders import TOP
from agents.run.team import REPLAY
from agents.staff import settings
from sandbox.api import SandboxError
from sandbox.base_image import PYTHON, Bases
from sandbox.engine import answers, connect
from tasks.image_settings import VERSION
from tasks.load import Suite
from tasks.lock import Lock, digest, digest_files
from tasks.purse import Allowances

ROOMS = ("sandbox", "tasks", "agents")
CODE = ("**/*.py", "**/*.sh", "**/*.scm", "**/*.Dockerfile", "**/*.json", "**/*.txt")


def conditions(
    suite: Suite,
    solvers: Sequence[str],
    allowances: Allowances,
    base_image: str,
    environment: Mapping[str, str],
) -> Lock:
    """Raises BadInput: a name means no solver, or a setting of base images names none."""
    bases = Bases.of(environment)
    run = {
        "task budget": str(allowances.task),
        "seconds": allowances.seconds,
        "environments": VERSION,
        "base image": base_image,
    }
    return Lock(
        settings={"run": digest(run), **{name: settings_of(name, environment) for name in solvers}},
        tasks=suite.digests,
        images=ids_of([base_image.replace(PYTHON, "*"), *(name for name, _ in bases.all())]),
        prompts=digest_files(TOP / "agents" / "prompts", ["*.j2"]),
        code={room: digest(digest_files(TOP / room, CODE)) for room in ROOMS},
    )


def settings_of(name: str, environment: Mapping[str, str]) -> str:
    """A digest of what a solver's name means now."""
    if name.startswith(REPLAY):
        return hashlib.sha256(Path(name.removeprefix(REPLAY)).read_bytes()).hexdigest()[:16]
    stages = models.find(name, models.load(environment))
    return digest([stage if isinstance(stage, str) else dict(settings(stage)) for stage in stages.stages])


def digests(names: Sequence[str], environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Of this machine's program and of what solvers' names mean on it, by name: nodes of a cluster must agree."""
    parts = {"code " + room: digest(digest_files(TOP / room, CODE)) for room in ROOMS}
    parts["prompts"] = digest(digest_files(TOP / "agents" / "prompts", ["*.j2"]))
    return [(name, parts[name] if name in parts else settings_of(name, environment)) for name in names]


PROGRAM = (*("code " + room for room in ROOMS), "prompts")


def ids_of(references: Sequence[str]) -> dict[str, str]:
    """By tag, of the engine's images that a reference names, `*` for any text. An engine that is not there has none."""
    try:
        client = connect(20.0)
        try:
            with answers("the engine does not say which images it has"):
                found = client.api.images(filters={"reference": list(references)})
        finally:
            client.close()
    except SandboxError:
        return {}
    return {tag: image["Id"] for image in found for tag in image["RepoTags"] or ()}
