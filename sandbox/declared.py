"""What a project's own files declare of it, read as data: nothing of the repository is imported or run.

One reader a file kind; each gives a `Declared`, or None where the file is not there. A field that a file does not
state, or computes when it runs, is None.
"""

import ast
import configparser
import email.parser
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.requirements import read_text

Groups = Mapping[str, tuple[str, ...]]


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
    unread: tuple[str, ...] = ()  # what it states in a way that only running it would tell


def read_pyproject(tree: Path) -> Declared | None:
    text = read_text(tree, "pyproject.toml")
    if text is None:
        return None
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Declared("pyproject.toml", unread=(f"not valid TOML: {str(error)[:100]}",))
    project, build = _table(data, "project"), _table(data, "build-system")
    setuptools = _table(data, "tool", "setuptools")
    where = _strings(_table(setuptools, "packages", "find").get("where"))
    dynamic = _strings(project.get("dynamic"))
    return Declared(
        "pyproject.toml",
        name=_string(project.get("name")),
        version=_string(project.get("version")),
        requires_python=_string(project.get("requires-python")),
        requirements=None if not project or "dependencies" in dynamic else _strings(project.get("dependencies")),
        extras=_lists(_table(project, "optional-dependencies")),
        groups=_dependency_groups(_table(data, "dependency-groups")),
        build_requires=_strings(build["requires"]) if "requires" in build else None,
        backend=_string(build.get("build-backend")) or ("setuptools.build_meta" if build or project else None),
        package_root=_string(_table(setuptools, "package-dir").get("")) or (where[0] if where else None),
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
    directories = dict(part.partition("=")[::2] for part in _lines(options.get("package_dir", "")))
    version = metadata.get("version", "")
    return Declared(
        "setup.cfg",
        name=metadata.get("name"),
        version=version if version[:1].isdigit() else None,  # else `attr: module.name` or `file: NAME`
        requires_python=options.get("python_requires"),
        requirements=_lines(options["install_requires"]) if "install_requires" in options else None,
        extras={name: _lines(value) for name, value in sections.get("options.extras_require", {}).items()},
        groups={"test": _lines(options["tests_require"])} if "tests_require" in options else {},
        backend="setuptools.build_meta:__legacy__",
        package_root={key.strip(): value.strip() for key, value in directories.items()}.get(""),
    )


def read_setup_py(tree: Path) -> Declared | None:
    text = read_text(tree, "setup.py")
    if text is None:
        return None
    legacy = Declared("setup.py", backend="setuptools.build_meta:__legacy__")
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return legacy
    call = next((node for node in ast.walk(module) if isinstance(node, ast.Call) and _is_setup(node.func)), None)
    if call is None:
        return legacy
    known = _constants(module)
    given = {item.arg: _evaluate(item.value, known) for item in call.keywords if item.arg}
    tests = _strings(given.get("tests_require"))
    extras, directories = given.get("extras_require"), given.get("package_dir")
    return Declared(
        "setup.py",
        name=_string(given.get("name")),
        version=_string(given.get("version")),
        requires_python=_string(given.get("python_requires")),
        requirements=_strings(given["install_requires"]) if given.get("install_requires") is not None else None,
        extras=_lists(extras) if isinstance(extras, dict) else {},
        groups={"test": tests} if tests else {},
        build_requires=None,
        backend=legacy.backend,
        package_root=_string(directories.get("")) if isinstance(directories, dict) else None,
        unread=tuple(f"{name} is computed" for name, value in given.items() if value is None and name in _COMPUTED),
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
        lines = [str(value) for value in message.get_all("Requires-Dist", [])]
        plain = tuple(line for line in lines if "extra ==" not in line)
        names = [str(value) for value in message.get_all("Provides-Extra", [])]
        extras = {extra: tuple(_of_extra(line) for line in lines if _names_extra(line, extra)) for extra in names}
        return Declared(
            name,
            name=_string(message.get("Name")),
            version=_string(message.get("Version")),
            requires_python=_string(message.get("Requires-Python")),
            requirements=plain if lines else None,
            extras=extras,
        )
    return None


_COMPUTED = ("install_requires", "extras_require", "tests_require")


def _names_extra(line: str, extra: str) -> bool:
    return f'extra == "{extra}"' in line or f"extra == '{extra}'" in line


def _of_extra(line: str) -> str:
    """`six; python_version < "3" and extra == "test"` → without the part that names the extra."""
    requirement, _, marker = line.partition(";")
    rest = [part for part in marker.split(" and ") if "extra ==" not in part]
    return f"{requirement.strip()}; {' and '.join(rest).strip()}" if rest else requirement.strip()


def _is_setup(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "setup"


def _constants(module: ast.Module) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = _evaluate(node.value, known)
    return known


def _evaluate(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """A literal, a name bound to one, or a sum of two; None for whatever only running it would tell."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _evaluate(node.left, known), _evaluate(node.right, known)
        return left + right if isinstance(left, list) and isinstance(right, list) else None
    if isinstance(node, ast.Dict):
        keys = [_evaluate(key, known) if key else None for key in node.keys]
        values = [_evaluate(value, known) for value in node.values]
        return {k: v for k, v in zip(keys, values, strict=True) if isinstance(k, str) and v is not None}
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _dependency_groups(table: Mapping[str, Any]) -> Groups:
    def resolve(name: str, seen: tuple[str, ...]) -> tuple[str, ...]:
        found: list[str] = []
        for item in table.get(name, ()) if isinstance(table.get(name), list) else ():
            if isinstance(item, str):
                found.append(item)
            elif isinstance(item, dict) and (inner := _string(item.get("include-group"))) and inner not in seen:
                found += resolve(inner, (*seen, inner))
        return tuple(dict.fromkeys(found))

    return {name: resolve(name, (name,)) for name in table}


def _table(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _lists(table: Mapping[str, Any]) -> Groups:
    return {str(name): _strings(value) for name, value in table.items()}


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):  # setup.py may give one string, a line each
        return _lines(value)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))
