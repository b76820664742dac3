"""A specification of SWE-bench's → the image of a row, made from a base image with the row's Python.

Building is running hostile code. So what needs the network runs nothing of the repository, and what runs the
repository has no network: 1. the environment and the wheels that the build will ask for, 2. the tree, with the
specification's own shell lines, 3. in a sandbox, the requirements that the project states of itself, as text, 4. those
requirements, 5. without network from here on, the project's own build.

What remains: a dependency of which the index has no wheel is built while the network is there, as `pip` would.
"""

import re
import shlex
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, Field, ValidationError

from sandbox.api import MEBIBYTE, BadInput, BuildFailed, Image, ImageUnavailable, Owner
from sandbox.bake import Copy, Step, bake, baked, unnamed
from sandbox.discovery.requirements import accept
from sandbox.docker import DockerSandbox
from sandbox.git import GitFailed, HostGit
from sandbox.origin import open_origin
from sandbox.workspace import open_workspace
from tasks.image_settings import WORKDIR, Settings, digest
from tasks.row import Row
from tasks.specs import Show, Spec, requirements

PYTHON = "/opt/python/bin/python3"
ENV = {"PATH": "/opt/python/bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/home/solve"}
# The day on which SWE-bench resolved the environments of its images; newer releases broke their tests.
AS_OF = "2024-10-25"
UV = f"uv pip install --system --break-system-packages --python {PYTHON} --exclude-newer {AS_OF} --compile-bytecode"
# conda's of that day: pip and setuptools decide how a project is put on `sys.path`.
TOOLS = ("pip==24.2", "setuptools==75.1.0", "wheel==0.44.0")
# pip knows no day when it resolves a build back end: these are the newest of it.
BACKENDS = "setuptools<75.3\nsetuptools-scm<8.2\nwheel<0.45\nflit-core<3.10\nhatchling<1.26\nCython<3.1\nnumpy<2.2\n"
# What setuptools' own hooks ask for beyond what a project states.
BUILD_TOOLS = ("setuptools", "wheel", "setuptools-scm")
CONSTRAINTS, WHEELS = "/opt/constraints.txt", "/opt/wheels"  # inside
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELS, "PIP_CONSTRAINT": CONSTRAINTS}
REPORT = "/tmp/solve-report.json"  # noqa: S108 (inside)
STATE = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--dry-run", "--no-deps",
         "--ignore-installed", "--report", REPORT, ".")  # fmt: skip
_PIN = re.compile(r"[A-Za-z][\w.-]*==[0-9][\w.]*")
_EXTRA = re.compile(r"""extra == ["']([^"']+)["']""")


def build_spec_image(row: Row, spec: Spec, settings: Settings) -> Image:
    """The image `spec_tag`, made now.

    Raises:
        BadInput: the repository or a file that the specification names is not there.
        ImageUnavailable, BuildFailed, SandboxUnavailable: as `sandbox.bake.bake`.
    """
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
            show = _shown(git)
            common = environment_steps(spec, requirements(spec, row, show), build_requirements(show, commit))
            own = tree_step(spec, _nearest_tag(git, commit))
        name = repository.rpartition("/")[2].lower()
        shared = f"solve/env:{name}-{spec.python}-{digest(below.ref, common)}"
        bake(base, shared, [program, *common], {}, WORKDIR)
        folder = Path(scratch) / WORKDIR.strip("/")
        open_workspace(repository, commit, folder, mirrors=mirrors, tell=settings.tell)
        with unnamed(shared, [Copy(folder, WORKDIR), own], WORKDIR) as tree:
            stated = stated_requirements(replace(tree, env=ENV), spec.extras.split(","), row.task.id)
            return bake(tree.ref, spec_tag(row, spec, settings), project_steps(stated), ENV, WORKDIR)


def spec_tag(row: Row, spec: Spec, settings: Settings) -> str:
    """Names all that decides what is in the image, without opening the repository."""
    recipe = (spec.python, spec.packages, spec.pip_packages, spec.before, spec.extras)
    return f"solve/row:{row.task.id.lower()}-{digest(recipe, settings.base, row.task.base_commit, row.setup)}"


def environment_steps(spec: Spec, packages: Sequence[str], build: Sequence[str]) -> list[Step]:
    """What rows of one version of a project have in common (pure)."""
    steps = []
    for name, lines in (("tools", TOOLS), ("packages", packages), ("pinned packages", spec.pip_packages)):
        if lines:
            steps.append(Step(name, f"printf %s {_listed(lines)} >/tmp/list\n{UV} -r /tmp/list", network=True))
    fetch = f"{PYTHON} -m pip download --quiet --only-binary :all: --dest {WHEELS} -c {CONSTRAINTS} -r /tmp/list"
    script = f"printf %s {shlex.quote(BACKENDS)} >{CONSTRAINTS}\nprintf %s {_listed(build)} >/tmp/list\n{fetch}"
    for pin in _PIN.findall(" ".join(spec.before)):  # some of these lines rewrite what the build asks for
        script += f"\n{PYTHON} -m pip download --quiet --only-binary :all: --no-deps --dest {WHEELS} {shlex.quote(pin)}"
    return [*steps, Step("wheels for the build", script, network=True)]


def tree_step(spec: Spec, tag: str) -> Step:
    """The tree with the specification's own lines applied, as one commit with the last tag before it (pure)."""
    lines = [
        'git config --system --add safe.directory "*"',
        *spec.before,
        'git -c user.name=base -c user.email=base@localhost commit --quiet --all --allow-empty --message "environment"',
        f"git tag {shlex.quote(tag)}" if tag else ":",
        f"chown -R 1000:1000 {WORKDIR}",
    ]
    return Step("tree", "\n".join(lines), WORKDIR, network=True)


def project_steps(stated: Sequence[str]) -> list[Step]:
    """What the project needs, then the project itself, installed where it stands (pure)."""
    needed = f"printf %s {_listed(stated)} >/tmp/list\n{UV} --build-constraint {CONSTRAINTS} -r /tmp/list"
    build = [
        f"{PYTHON} -m pip --disable-pip-version-check install --no-deps --editable .",
        f"{PYTHON} -m compileall -q -j 2 {WORKDIR} || true",  # runs write none
        f"chown -R 1000:1000 {WORKDIR}",
        "rm -rf /root/.cache /tmp/* /usr/local/bin/uv",
    ]
    requirements = [Step("requirements", needed, network=True)] if stated else []
    return [*requirements, Step("project", "\n".join(build), WORKDIR, env=OFFLINE)]


def build_requirements(show: Show, commit: str) -> tuple[str, ...]:
    """What the build of the tree at a commit asks for, as far as its `pyproject.toml` states it (PEP 518)."""
    try:
        stated = tomllib.loads(show(commit, "pyproject.toml") or "").get("build-system", {}).get("requires", [])
    except (tomllib.TOMLDecodeError, AttributeError):  # not TOML, or `build-system` is no table
        stated = []
    listed = [line for line in stated if isinstance(line, str)] if isinstance(stated, list) else []
    lines = accept(listed, "pyproject.toml").accepted
    return tuple(sorted({*lines, *BUILD_TOOLS}))


class _Metadata(BaseModel):
    name: str
    requires_dist: list[str] = []


class _Item(BaseModel):
    metadata: _Metadata


class _Report(BaseModel):
    """Of `pip install --report`, what is read: https://pip.pypa.io/en/stable/reference/installation-report/"""

    install: Annotated[list[_Item], Field(min_length=1)]


def stated_requirements(tree: Image, extras: Sequence[str], row: str) -> tuple[str, ...]:
    """What the project's own build back end says it needs to run. The back end runs in a sandbox, without network.

    Raises:
        BuildFailed: it says nothing.
    """
    with DockerSandbox(tree, owner=Owner("solve-row", row)) as sandbox:
        done = sandbox.exec(STATE, env=OFFLINE, timeout=900)
        if not done.ok:
            raise BuildFailed("the project's metadata", done.text()[-3000:].strip())
        try:
            found = _Report.model_validate_json(sandbox.read(REPORT, max_bytes=16 * MEBIBYTE)).install[0].metadata
        except (OSError, ValidationError) as problem:
            raise BuildFailed("the project's metadata", str(problem).splitlines()[0]) from None
    return chosen(found.requires_dist, extras, found.name)


def chosen(lines: Sequence[str], extras: Sequence[str], own: str) -> tuple[str, ...]:
    """The requirements of a project itself and of some of its extras, which may name each other (pure)."""
    taken = accept(lines, "metadata").accepted
    wanted = {canonicalize_name(extra) for extra in extras if extra}
    found: dict[str, None] = {}
    for _ in range(5):  # extras that name extras
        found = {}
        for line in taken:
            extra = _EXTRA.search(line)
            if extra and canonicalize_name(extra[1]) not in wanted:
                continue
            requirement = Requirement(_EXTRA.sub('python_version >= "0"', line))
            if canonicalize_name(requirement.name) == canonicalize_name(own):
                wanted |= {canonicalize_name(name) for name in requirement.extras}
            else:
                found[str(requirement)] = None
    return tuple(found)


def _listed(lines: Sequence[str]) -> str:
    """As the text of a requirements file, one word for a shell."""
    return shlex.quote("\n".join(lines) + "\n")


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
