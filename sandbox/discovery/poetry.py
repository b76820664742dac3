"""Dependencies as Poetry and Pipenv write them, tables of name and constraint → requirement lines of PEP 508."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.discovery.declared import Declared
from sandbox.discovery.requirements import read_text
from sandbox.discovery.tables import string, strings, table

_RELEASE = re.compile(r"^v?(\d+(?:\.\d+)*)(.*)$")
_BOUND = re.compile(r"^(===|==|!=|<=|>=|~=|<|>|\^|~)?\s*(.+)$")
_ELSEWHERE = ("git", "path", "url", "file", "hg", "svn")


def read_poetry(tree: Path) -> Declared | None:
    """`[tool.poetry]` of pyproject.toml; what `[project]` states is believed before it."""
    found = _toml(tree, "pyproject.toml")
    poetry = table(found, "tool", "poetry")
    if not poetry:
        return None
    run, unread = _lines(table(poetry, "dependencies"))
    python = table(poetry, "dependencies").get("python")
    optional = {name: line for name, line in run.items() if _optional(table(poetry, "dependencies").get(name))}
    groups = {"dev": table(poetry, "dev-dependencies")}
    groups |= {name: table(poetry, "group", name, "dependencies") for name in table(poetry, "group")}
    read = {name: _lines(value) for name, value in groups.items() if value}
    return Declared(
        "pyproject.toml [tool.poetry]",
        name=string(poetry.get("name")),
        version=string(poetry.get("version")),
        requires_python=specifier(python) if isinstance(python, str) else None,
        requirements=tuple(line for name, line in run.items() if name not in optional),
        extras={
            extra: tuple(run[name] for name in strings(names) if name in run)
            for extra, names in table(poetry, "extras").items()
        },
        groups={name: tuple(lines.values()) for name, (lines, _) in read.items()},
        unread=(*unread, *(note for _, notes in read.values() for note in notes)),
    )


def read_pipfile(tree: Path) -> Declared | None:
    found = _toml(tree, "Pipfile")
    if not found:
        return None
    run, unread = _lines(table(found, "packages"))
    dev, more = _lines(table(found, "dev-packages"))
    version = string(table(found, "requires").get("python_version"))
    return Declared(
        "Pipfile",
        requires_python=f"=={version}.*" if version and _RELEASE.match(version) else None,
        requirements=tuple(run.values()),
        groups={"dev": tuple(dev.values())} if dev else {},
        unread=(*unread, *more),
    )


def specifier(constraint: str) -> str:
    """Poetry's constraint as one of PEP 440. Of alternatives (`||`) the last, newest one stands."""
    last = constraint.split("||")[-1].strip()
    return ",".join(part for word in re.split(r"\s*,\s*|(?<=[\w*])\s+(?=[<>=!~^])", last) for part in _bounds(word))


def _bounds(word: str) -> Iterator[str]:
    match = _BOUND.match(word.strip())
    if match is None or match[2].strip() in ("", "*"):
        return
    operator, version = match[1] or "", match[2].strip().removeprefix("v")
    release = _RELEASE.match(version)
    if operator in ("^", "~") and release:
        yield f">={version}"
        yield f"<{_above([int(part) for part in release[1].split('.')], caret=operator == '^')}"
    elif operator:
        yield f"{operator}{version}"
    elif release:
        yield f"=={version}"


def _above(parts: list[int], *, caret: bool) -> str:
    """The first release that is no longer compatible: https://python-poetry.org/docs/dependency-specification/."""
    if caret:
        place = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
    else:
        place = min(1, len(parts) - 1)
    return ".".join(map(str, [*parts[:place], parts[place] + 1]))


def _lines(entries: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """By name the line that asks for it, and notes on what is not taken."""
    lines: dict[str, str] = {}
    notes = []
    for name, value in entries.items():
        if name.lower() == "python":
            continue
        chosen = value[-1] if isinstance(value, list) and value else value
        line = _line(name, chosen)
        if line:
            lines[name] = line
        else:
            notes.append(f"{name} comes from an address or a path: refused")
    return lines, notes


def _line(name: str, value: object) -> str:
    if isinstance(value, str):
        return f"{name}{specifier(value)}"
    if not isinstance(value, dict) or any(key in value for key in _ELSEWHERE):
        return ""
    extras = ",".join(strings(value.get("extras")))
    version, markers, python = (string(value.get(key)) or "" for key in ("version", "markers", "python"))
    conditions = [markers] if markers else []
    conditions += [f"python_version {_marked(part)}" for part in specifier(python).split(",") if part]
    asked = f"{name}[{extras}]" if extras else name
    return f"{asked}{specifier(version)}" + (f"; {' and '.join(conditions)}" if conditions else "")


def _marked(part: str) -> str:
    operator = re.match(r"[<>=!~]+", part)
    return f'{operator[0]} "{part[operator.end() :]}"' if operator else f'== "{part}"'


def _optional(value: object) -> bool:
    return isinstance(value, dict) and value.get("optional") is True


def _toml(tree: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(tree, name) or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
