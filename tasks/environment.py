"""A row → the image its patches are graded in, and the harness that grades there.

In this order: the image that the row or its dataset names, if the engine has it or can have it; else one built from
the specifications of the public `swebench` package; else one built from what the repository's own files say.
"""

import hashlib
import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from sandbox.api import BadInput, Image, ImageUnavailable
from sandbox.bake import Copy, Step, bake, baked, pulled
from sandbox.git import GitFailed, HostGit
from sandbox.image import build
from sandbox.origin import open_origin
from sandbox.recipe import detect
from sandbox.workspace import open_workspace
from tasks.harness import Harness
from tasks.row import Row
from tasks.specs import Show, Spec, harness, installed, requirements, specification

VERSION = 2  # of the steps below: raised when images they made must not be used again
WORKDIR = "/testbed"
PYTHON = "/opt/python/bin/python3"
# The day on which SWE-bench resolved the environments of its images; newer releases broke their tests.
AS_OF = "2024-10-25"
UV = f"uv pip install --system --break-system-packages --python {PYTHON} --exclude-newer {AS_OF} --compile-bytecode"
# conda's of that day: pip and setuptools decide how a project is put on `sys.path`.
TOOLS = ("pip==24.2", "setuptools==75.1.0", "wheel==0.44.0")
# pip resolves the build back end by itself and knows no day: these are the newest of it.
BACKENDS = "setuptools<75.3\nsetuptools-scm<8.2\nwheel<0.45\nflit-core<3.10\nhatchling<1.26\nCython<3.1\nnumpy<2.2\n"
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
ENV = {"PATH": "/opt/python/bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/home/solve"}
CONSTRAINTS = "/opt/constraints.txt"  # inside


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is graded."""

    image: Image
    harness: Harness
    origin: Literal["named", "specification", "detected"]


@dataclass(frozen=True, slots=True)
class Settings:
    """`base` is an image name with `{python}` in it: `solve/python:{python}`."""

    base: str
    mirrors: Path | None
    cache: Path  # of images made from what a repository says
    uv: Path | None  # the host's uv, a static program; None where the extra is not installed
    tell: Callable[[str], None] = field(default=lambda line: None)


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
    names = image_names(row)
    for name in names:
        if (found := baked(name, CONDA, WORKDIR)) is not None:
            return Place(found, spec.harness if spec else harness(row), "named")
    if spec is not None and (found := baked(_tag(row, spec, settings), ENV, WORKDIR)) is not None:
        return Place(found, spec.harness, "specification")
    for name in names:
        if (found := pulled(name, CONDA, WORKDIR)) is not None:
            return Place(found, spec.harness if spec else harness(row), "named")
    if spec is None:
        if not installed():
            settings.tell(
                f"{row.task.id}: made from its own files; with `pip install 'solve[swebench]'` as SWE-bench does"
            )
        return _detected(row, settings)
    return Place(_build(row, spec, settings), spec.harness, "specification")


def image_names(row: Row) -> list[str]:
    """What the row names, and what SWE-bench's own naming makes of its id."""
    names = [row.setup.image] if row.setup.image else []
    return [*names, f"swebench/sweb.eval.x86_64.{row.task.id.lower().replace('__', '_1776_')}:latest"]


def environment_steps(spec: Spec, requirements: Sequence[str]) -> list[Step]:
    """What rows of one version of a project have in common (pure)."""
    steps = []
    for name, lines in (("tools", TOOLS), ("packages", requirements), ("pinned packages", spec.pip_packages)):
        if lines:
            listed = shlex.quote("\n".join(lines) + "\n")
            steps.append(
                Step(name, f"printf %s {listed} >/tmp/{name[:4]}.txt\n{UV} -r /tmp/{name[:4]}.txt", network=True)
            )
    return steps


def project_steps(spec: Spec, tag: str) -> list[Step]:
    """What a row adds to its version: the tree at its base commit, installed where it stands (pure)."""
    extras = "".join(f" --extra {name}" for name in spec.extras.split(",") if name)
    lines = [
        'git config --global --add safe.directory "*"',
        *spec.before,
        'git -c user.name=base -c user.email=base@localhost commit --quiet --all --allow-empty --message "environment"',
        f"git tag {shlex.quote(tag)}" if tag else ":",
        f"printf '%s' {shlex.quote(BACKENDS)} >{CONSTRAINTS}",
        'for file in pyproject.toml setup.py; do [ -f "$file" ] && break; done',
        f'{UV} -r "$file"{extras}',
        f"{PYTHON} -m pip install --no-deps --constraint {CONSTRAINTS} --editable .",
        f"{PYTHON} -m compileall -q -j 2 {WORKDIR} || true",  # runs write none
        f"chown -R 1000:1000 {WORKDIR}",
        "rm -rf /root/.cache /tmp/* /root/.gitconfig /usr/local/bin/uv",
    ]
    env = {"PIP_CONSTRAINT": CONSTRAINTS, "UV_BUILD_CONSTRAINT": CONSTRAINTS}
    return [Step("project", "\n".join(lines), WORKDIR, network=True, env=env)]


def _build(row: Row, spec: Spec, settings: Settings) -> Image:
    base = settings.base.format(python=spec.python)
    if (below := baked(base, {}, WORKDIR)) is None:
        raise ImageUnavailable(f"{row.task.id} needs Python {spec.python}: make {base} with sandbox/images/python.sh")
    if settings.uv is None:
        raise BadInput("uv is not installed: pip install 'solve[swebench]'")
    settings.tell(f"{row.task.id}: building its environment")
    program = Copy(settings.uv, "/usr/local/bin/uv")
    repository, commit, mirrors = row.task.repository, row.task.base_commit, settings.mirrors
    with TemporaryDirectory(prefix="solve-row-") as scratch:
        with open_origin(repository, commit, mirrors=mirrors, tell=settings.tell) as origin:
            git = origin.reader(Path(scratch))
            common = environment_steps(spec, requirements(spec, row, _shown(git)))
            own = project_steps(spec, _nearest_tag(git, commit))
        shared = (
            f"solve/env:{row.task.repository.rpartition('/')[2].lower()}-{spec.python}-{_digest(below.ref, common)}"
        )
        bake(base, shared, [program, *common], {}, WORKDIR)
        folder = Path(scratch) / WORKDIR.strip("/")
        open_workspace(repository, commit, folder, mirrors=mirrors, tell=settings.tell)
        return bake(shared, _tag(row, spec, settings), [program, Copy(folder, WORKDIR), *own], ENV, WORKDIR)


def _detected(row: Row, settings: Settings) -> Place:
    """The environment that the repository's own files ask for; its tests by pytest, with names as they are."""
    repository, commit = row.task.repository, row.task.base_commit
    with TemporaryDirectory(prefix="solve-row-") as scratch:
        folder = Path(scratch) / "tree"
        open_workspace(repository, commit, folder, mirrors=settings.mirrors, tell=settings.tell)
        recipe = detect(folder)
        image = build(folder, recipe, "docker", cache=settings.cache, tell=settings.tell)
    return Place(image, harness(row, recipe.test_command), "detected")


def _rooted(image: Image, row: Row) -> Image:
    """A published image with its tree as one commit: published histories reach past the base (SWE-bench issue 465), and
    that of SWE-smith, whose bug is planted here, holds the tree without the bug."""
    tag = f"solve/row:{row.task.id.lower()}-{_digest(image.ref, row.setup.base_patch)}"
    with TemporaryDirectory(prefix="solve-base-") as scratch:
        patch = Path(scratch) / "base.patch"
        patch.write_bytes(row.setup.base_patch)
        work: list[Step | Copy] = [Copy(patch, "/opt/base.patch"), Step("one commit", ROOTED, image.workdir)]
        return bake(image.ref, tag, work, image.env, image.workdir)


def _tag(row: Row, spec: Spec, settings: Settings) -> str:
    """Names all that decides what is in the image, without opening the repository."""
    recipe = (spec.python, spec.packages, spec.pip_packages, spec.before, spec.extras)
    return f"solve/row:{row.task.id.lower()}-{_digest(recipe, settings.base, row.task.base_commit, row.setup)}"


def _shown(git: HostGit) -> Show:
    def show(commit: str, path: str) -> str | None:
        try:
            return git("show", f"{commit}:{path}").decode("utf-8", "replace")
        except GitFailed:
            return None

    return show


def _nearest_tag(git: HostGit, commit: str) -> str:
    """The last tag before the commit: tools that take a version from git find it, and nothing of the future."""
    try:
        return git.text("describe", "--tags", "--abbrev=0", commit)
    except GitFailed:
        return ""


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps([VERSION, repr(parts)]).encode()).hexdigest()[:12]
