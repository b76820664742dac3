"""A base image with the packages that a repository of npm, Go or Cargo asks for, fetched before its tree is there.

The step has a network and runs as root, so none of the repository's code or settings is there: only names and versions
of packages (`Recipe.manifests`), and nothing of the packages runs while they are fetched.
"""

import hashlib
import json
import tempfile
from pathlib import Path

from sandbox.bake import Copy, Step, bake, baked
from sandbox.base import WORKDIR, Base
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.toolchain import MODULES, TOOLCHAINS
from sandbox.store import Tell

SCRIPTS = Path(__file__).with_name("images")
# The worktree's place and its owner, whom not every base image has.
PREPARE = """
getent passwd 1000 >/dev/null || useradd --uid 1000 --create-home solve
install -d -o 1000 -g 1000 "$WORKTREE"
"""
# Whatever a package's own metadata asks for, no version control is reached.
ENV = {"WORKTREE": WORKDIR, "GIT_ALLOW_PROTOCOL": "none"}


def with_modules(base: Base, recipe: Recipe, tell: Tell) -> Base:
    """The base, which has the language's own tools, with the packages of `recipe.manifests`.

    Raises:
        BuildFailed: they cannot be fetched; the last lines are in it.
        ImageUnavailable, SandboxUnavailable: as `sandbox.bake.bake`.
    """
    if recipe.language not in TOOLCHAINS:
        return base
    script = PREPARE + (SCRIPTS / f"{recipe.language}.sh").read_text("utf-8")
    parts = [base.id, script, sorted(recipe.manifests.items())]
    tag = f"solve/modules:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]}"
    image = baked(tag, {}, "/")
    if image is None:
        if recipe.manifests:
            tell(f"dependencies: fetching what {', '.join(recipe.manifests)} asks for, running none of it")
        with tempfile.TemporaryDirectory(prefix="solve-") as folder:
            for name, text in recipe.manifests.items():
                (Path(folder) / name).write_text(text, "utf-8")
            step = Step("dependencies", script, MODULES, network=bool(recipe.manifests), env=ENV)
            image = bake(base.id, tag, [Copy(Path(folder), MODULES), step], {}, "/")
    return Base(tag, image.ref, base.python)
