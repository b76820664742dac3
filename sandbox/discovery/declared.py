"""What a project's own files declare of it, read as data: nothing of the repository is imported or run.

One reader a file kind; each gives a `Declared`, or None where the file is not there. A field that a file does not
state, or computes when it runs, is None.
"""

import configparser
import email.parser
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.discovery.requirements import read_requirements, read_text
from sandbox.discovery.tables import Groups, lines, lists, string, strings, table

_VERSION = re.compile(r"Programming Language :: Python :: (3\.\d+)$")


@dataclass(frozen=True, slots=True)
class Declared:
    source: str  # the file, relative to the tree
    name: str | None = None
    version: str | None = None
    requires_python: str | None = None
    requirements: tuple[str, ...] | None = None
    extras: Groups = field(default_factory=dict)  # optional dependencies by the name of the extra
    groups: Groups = field(default_factory=dict)  # PEP 735, includes resolved; setup.py's `tests_require` as "test"
    build_requires: tuple[str, ...] | None = None
    backend: str | None = None
    package_root: str | None = None  # where top-level packages stand: "src"
    pythons: tuple[str, ...] = ()  # minor versions that its classifiers name: "3.9"
    unread: tuple[str, ...] = ()  # what it states in a way that only running it would tell


def read_pyproject(tree: Path) -> Declared | None:
    text = read_text(tree, "pyproject.toml")
    if text is None:
        return None
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Declared("pyproject.toml", unread=(f"not valid TOML: {str(error)[:100]}",))
    project, build = table(data, "project"), table(data, "build-system")
    setuptools = table(data, "tool", "setuptools")
    where = strings(table(setuptools, "packages", "find").get("where"))
    dynamic = strings(project.get("dynamic"))
    requirements = None if not project or "dependencies" in dynamic else strings(project.get("dependencies"))
    return Declared(
        "pyproject.toml",
        name=string(project.get("name")),
        version=string(project.get("version")),
        requires_python=string(project.get("requires-python")),
        requirements=_files(tree, table(setuptools, "dynamic").get("dependencies")) or requirements,
        extras=_extras(tree, table(project, "optional-dependencies"), table(setuptools, "dynamic")),
        groups=_dependency_groups(table(data, "dependency-groups")),
        build_requires=strings(build["requires"]) if "requires" in build else None,
        backend=string(build.get("build-backend")) or ("setuptools.build_meta" if build or project else None),
        package_root=string(table(setuptools, "package-dir").get("")) or (where[0] if where else None),
        pythons=versions(strings(project.get("classifiers"))),
    )


def read_tools(tree: Path) -> Declared | None:
    """What PDM, uv and Flit keep in tables of their own in pyproject.toml."""
    try:
        tool = table(tomllib.loads(read_text(tree, "pyproject.toml") or ""), "tool")
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    flit = table(tool, "flit", "metadata")
    groups = {**lists(table(tool, "pdm", "dev-dependencies"))}
    if uv := strings(table(tool, "uv").get("dev-dependencies")):
        groups["dev"] = uv
    if not flit and not groups:
        return None
    return Declared(
        "pyproject.toml [tool]",
        name=string(flit.get("dist-name")) or string(flit.get("module")),
        requires_python=string(flit.get("requires-python")),
        requirements=strings(flit.get("requires")) if flit else None,
        extras=lists(table(flit, "requires-extra")),
        groups=groups,
        pythons=versions(strings(flit.get("classifiers"))),
    )


def read_setup_cfg(tree: Path) -> Declared | None:
    text = read_text(tree, "setup.cfg")
    if text is None:
        return None
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        return Declared("setup.cfg", unread=(f"not valid: {str(error).splitlines()[0][:100]}",))
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    metadata, options = sections.get("metadata", {}), sections.get("options", {})
    if not metadata and not options:  # only some tool's settings
        return None
    directories = dict(part.partition("=")[::2] for part in lines(options.get("package_dir", "")))
    version = metadata.get("version", "")
    return Declared(
        "setup.cfg",
        name=metadata.get("name"),
        version=version if version[:1].isdigit() else None,  # else `attr: module.name` or `file: NAME`
        requires_python=options.get("python_requires"),
        requirements=lines(options["install_requires"]) if "install_requires" in options else None,
        extras={name: lines(value) for name, value in sections.get("options.extras_require", {}).items()},
        groups={"test": lines(options["tests_require"])} if "tests_require" in options else {},
        backend="setuptools.build_meta:__legacy__",
        package_root={key.strip(): value.strip() for key, value in directories.items()}.get(""),
        pythons=versions(lines(metadata.get("classifiers", metadata.get("classifier", "")))),
    )


def read_pkg_info(tree: Path) -> Declared | None:
    """The metadata that a source distribution carries, made when it was packed."""
    inside = [path.relative_to(tree).as_posix() for path in sorted(tree.glob("*.egg-info/PKG-INFO"))]
    inside += [path.relative_to(tree).as_posix() for path in sorted(tree.glob("*/*.egg-info/PKG-INFO"))]
    # The root file of setuptools before 2023 lacks requirements; the one in egg-info has them.
    for name in ["PKG-INFO", *inside]:
        text = read_text(tree, name)
        if text is None:
            continue
        message = email.parser.HeaderParser().parsestr(text)
        required = [str(value) for value in message.get_all("Requires-Dist", [])]
        plain = tuple(line for line in required if "extra ==" not in line)
        names = [str(value) for value in message.get_all("Provides-Extra", [])]
        extras = {extra: tuple(_of_extra(line) for line in required if _names_extra(line, extra)) for extra in names}
        return Declared(
            name,
            name=string(message.get("Name")),
            version=string(message.get("Version")),
            requires_python=string(message.get("Requires-Python")),
            requirements=plain if required else None,
            extras=extras,
            pythons=versions(str(value) for value in message.get_all("Classifier", [])),
        )
    return None


def _files(tree: Path, entry: object) -> tuple[str, ...]:
    """setuptools' `{file = [...]}`: requirements that stand in other files."""
    names = strings(entry.get("file")) if isinstance(entry, dict) else ()
    found = (read_requirements(tree, name) for name in names)
    return tuple(line for part in found if part for line in part.accepted)


def _extras(tree: Path, stated: Mapping[str, Any], dynamic: Mapping[str, Any]) -> Groups:
    entries = table(dynamic, "optional-dependencies")
    return {**{name: _files(tree, entry) for name, entry in entries.items()}, **lists(stated)}


def versions(classifiers: Iterable[str]) -> tuple[str, ...]:
    """The minor versions of Python 3 that trove classifiers name."""
    found = (_VERSION.match(line.strip()) for line in classifiers)
    return tuple(dict.fromkeys(match[1] for match in found if match))


def _names_extra(line: str, extra: str) -> bool:
    return f'extra == "{extra}"' in line or f"extra == '{extra}'" in line


def _of_extra(line: str) -> str:
    """`six; python_version < "3" and extra == "test"` → without the part that names the extra."""
    requirement, _, marker = line.partition(";")
    rest = [part for part in marker.split(" and ") if "extra ==" not in part]
    return f"{requirement.strip()}; {' and '.join(rest).strip()}" if rest else requirement.strip()


def _dependency_groups(table: Mapping[str, Any]) -> Groups:
    def resolve(name: str, seen: tuple[str, ...]) -> tuple[str, ...]:
        found: list[str] = []
        for item in table.get(name, ()) if isinstance(table.get(name), list) else ():
            if isinstance(item, str):
                found.append(item)
            elif isinstance(item, dict) and (inner := string(item.get("include-group"))) and inner not in seen:
                found += resolve(inner, (*seen, inner))
        return tuple(dict.fromkeys(found))

    return {name: resolve(name, (name,)) for name in table}
