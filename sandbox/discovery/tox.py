"""What tox's settings say of a test environment, read as data."""

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any

from sandbox.discovery.requirements import Requirements, accept, parse, read_text
from sandbox.discovery.script import Told, read_script, read_words
from sandbox.discovery.tables import string, strings, table

_FACTOR = re.compile(r"^[\w!,{}.-]+:\s")  # `py38: importlib-metadata`: only in some environments


def read_tox(tree: Path) -> Told | None:
    """The test environment of tox.ini, setup.cfg, tox.toml or pyproject.toml; None if none of them has one."""
    for name, section in (("tox.ini", "testenv"), ("setup.cfg", "tox:testenv"), ("setup.cfg", "testenv")):
        if (found := _read_ini(tree, name, section, read_text(tree, name) or "")) is not None:
            return found
    for name, keys in (("tox.toml", ()), ("pyproject.toml", ("tool", "tox"))):
        try:
            values = table(tomllib.loads(read_text(tree, name) or ""), *keys)
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        if legacy := string(values.get("legacy_tox_ini")):
            return _read_ini(tree, name, "testenv", legacy)
        if run := table(values, "env_run_base"):
            return _read_table(tree, name, run)
    return None


def _read_ini(tree: Path, source: str, section: str, text: str) -> Told | None:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return _read(tree, source, dict(parser.items(section))) if parser.has_section(section) else None


def _read(tree: Path, source: str, values: dict[str, str]) -> Told:
    lines = [line.strip() for line in values.get("deps", "").splitlines()]
    # Substitutions, `{[testenv]deps}`, would need tox itself; the folder's own is the exception everyone uses.
    lines = [line.replace("{toxinidir}/", "").replace("{tox_root}/", "") for line in lines]
    plain = [line for line in lines if not _FACTOR.match(line) and "{" not in line]
    names = re.split(r"[\s,]+", f"{values.get('extras', '')} {values.get('dependency_groups', '')}".lower())
    told = read_script(values.get("commands", "").splitlines(), source, tree)
    return told + Told(
        source,
        parse("\n".join(plain), source, lambda path: read_text(tree, path)),
        tuple(name for name in names if name and "{" not in name and ":" not in name),
    )


def _read_table(tree: Path, source: str, values: dict[str, Any]) -> Told:
    told = Told(
        source,
        parse("\n".join(strings(values.get("deps"))), source, lambda path: read_text(tree, path)),
        tuple(name.lower() for key in ("extras", "dependency_groups") for name in strings(values.get(key))),
    )
    commands = values.get("commands")
    for words in commands if isinstance(commands, list) else ():
        told += read_words(strings(words), source, tree) if isinstance(words, list) else Told(source)
    return told


def read_hatch(tree: Path) -> Told | None:
    """`[tool.hatch.envs]` of pyproject.toml or hatch.toml: the environment for tests, else the default one."""
    for source, keys in (("pyproject.toml", ("tool", "hatch", "envs")), ("hatch.toml", ("envs",))):
        try:
            found = table(tomllib.loads(read_text(tree, source) or ""), *keys)
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        for name in ("hatch-test", "test", "tests", "testing", "default"):
            if values := table(found, name):
                return _read_hatch(tree, f"{source} [envs.{name}]", values)
    return None


def _read_hatch(tree: Path, source: str, values: dict[str, Any]) -> Told:
    lines = [line for key in ("dependencies", "extra-dependencies") for line in strings(values.get(key))]
    scripts = table(values, "scripts")
    told = read_script([line for value in scripts.values() for line in strings(value)], source, tree)
    extras = tuple(name.lower() for name in strings(values.get("features")))
    return told + Told(source, Requirements(accept(lines, source).accepted), extras)
