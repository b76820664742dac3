"""A row → the image its patches are graded in, and the harness that grades there.

In this order: the image that the row or its dataset names, if the engine has it or can have it; else one built from
the specifications of the public `swebench` package; else one built from what the repository's own files say.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from sandbox.api import BadInput, Image
from sandbox.bake import Copy, Step, bake, baked, pulled
from sandbox.discovery.detect import detect
from sandbox.release import SCHEME
from sandbox.settle import settle
from sandbox.workspace import open_workspace
from tasks.harness import Harness
from tasks.image_settings import WORKDIR, Settings, digest
from tasks.row import Row
from tasks.spec_image import ENV, build_spec_image, spec_tag
from tasks.specs import conda, harness, installed, published_harness, specification, stated

MINED = re.compile(r"-g[0-9a-f]{12}$")  # how `solve mine git` ends an id: with the commit
# As the image's own conda environment would be active.
CONDA = {"PATH": "/opt/miniconda3/envs/testbed/bin:/usr/local/bin:/usr/bin:/bin", "CONDA_DEFAULT_ENV": "testbed"}


ROOTED = """
git config --system --replace-all safe.directory '*'
tag=$(git describe --tags --abbrev=0 2>/dev/null || true)
git update-index -q --refresh || true
[ ! -s /opt/base.patch ] || git apply --index /opt/base.patch
git ls-files -z >/opt/tracked
rm -rf .git
git init --quiet
git add --force --pathspec-from-file=/opt/tracked --pathspec-file-nul
git -c user.name=base -c user.email=base@localhost commit --quiet --message base
[ -z "$tag" ] || git tag "$tag"
chown -R 1000:1000 .
rm /opt/base.patch /opt/tracked
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is graded."""

    image: Image
    harness: Harness
    origin: Literal["named", "specification", "detected"]


def place(row: Row, settings: Settings) -> Place:
    """The row's image, built if it has to be.

    Raises:
        BadInput: the row cannot be placed; says what is missing.
        ImageUnavailable, BuildFailed, SandboxUnavailable: as `sandbox.bake.bake`.
    """
    if row.setup.folder is not None:
        raise BadInput(
            f"{row.task.id}: Harbor tasks judge a container's state, not a patch: they load, but are not graded"
        )
    found = _found(row, settings)
    return replace(found, image=_rooted(found.image, row)) if found.origin == "named" else found


def _found(row: Row, settings: Settings) -> Place:
    spec = specification(row)
    names, env = image_names(row), CONDA if conda(row) else {}
    for name in names:
        if (found := baked(name, env, WORKDIR)) is not None:
            return Place(found, published_harness(row), "named")
    if spec is not None and (found := baked(spec_tag(row, spec, settings), ENV, WORKDIR)) is not None:
        return Place(found, spec.harness, "specification")
    for name in names:
        if (found := pulled(name, env, WORKDIR)) is not None:
            return Place(found, published_harness(row), "named")
    if spec is not None:
        return Place(build_spec_image(row, spec, settings), spec.harness, "specification")
    if not installed() and not mined(row):
        settings.tell(f"{row.task.id}: made from its own files; with `pip install 'solve[swebench]'` as SWE-bench does")
    return _detected(row, settings)


def image_names(row: Row) -> list[str]:
    """What the row names, and what the naming of SWE-bench makes of its id; of a row that SWE-bench has no
    specification for, that of SWE-Gym too."""
    names = [row.setup.image] if row.setup.image else []
    if mined(row):
        return names
    task = row.task.id.lower()
    names.append(f"swebench/sweb.eval.x86_64.{task.replace('__', '_1776_')}:latest")
    return names if stated(row) else [*names, f"xingyaoww/sweb.eval.x86_64.{task.replace('__', '_s_')}:latest"]


def mined(row: Row) -> bool:
    """Whether the row was made by `solve mine`, so that nobody publishes an image of it."""
    return row.task.repository.startswith(SCHEME) or MINED.search(row.task.id) is not None


def _detected(row: Row, settings: Settings) -> Place:
    """The environment that the repository's own files ask for; its tests by pytest, with names as they are."""
    repository, commit = row.task.repository, row.task.base_commit
    with TemporaryDirectory(prefix="solve-row-") as scratch:
        folder = Path(scratch) / "tree"
        open_workspace(repository, commit, folder, mirrors=settings.mirrors, tell=settings.tell)
        found = settle(folder, detect(folder), "docker", cache=settings.cache, tell=settings.tell)
    return Place(found.image, harness(row, found.recipe.test_command), "detected")


def _rooted(image: Image, row: Row) -> Image:
    """A published image with its tree as one commit: published histories reach past the base (SWE-bench issue 465), and
    that of SWE-smith, whose bug is planted here, holds the tree without the bug."""
    tag = f"solve/row:{row.task.id.lower()}-{digest(image.ref, row.setup.base_patch)}"
    with TemporaryDirectory(prefix="solve-base-") as scratch:
        patch = Path(scratch) / "base.patch"
        patch.write_bytes(row.setup.base_patch)
        work: list[Step | Copy] = [Copy(patch, "/opt/base.patch"), Step("one commit", ROOTED, image.workdir)]
        return bake(image.ref, tag, work, image.env, image.workdir)
