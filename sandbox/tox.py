"""What tox's settings say of a test environment, read as data."""

import configparser
import re
from dataclasses import dataclass
from pathlib import Path

from sandbox.requirements import Requirements, parse, read_text

_FACTOR = re.compile(r"^[\w!,{}.-]+:\s")  # `py38: importlib-metadata`: only in some environments


@dataclass(frozen=True, slots=True)
class Tox:
    source: str
    requirements: Requirements
    extras: tuple[str, ...]  # extras and dependency groups of the project, lower case


def read_tox(tree: Path) -> Tox | None:
    """`[testenv]` of tox.ini, or of setup.cfg; None if neither has one."""
    for name, section in (("tox.ini", "testenv"), ("setup.cfg", "tox:testenv"), ("setup.cfg", "testenv")):
        text = read_text(tree, name)
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(text or "")
        except configparser.Error:
            continue
        if parser.has_section(section):
            return _read(tree, name, dict(parser.items(section)))
    return None


def _read(tree: Path, source: str, values: dict[str, str]) -> Tox:
    lines = [line.strip() for line in values.get("deps", "").splitlines()]
    # Substitutions, `{[testenv]deps}`, would need tox itself; the folder's own is the exception everyone uses.
    lines = [line.replace("{toxinidir}/", "").replace("{tox_root}/", "") for line in lines]
    plain = [line for line in lines if not _FACTOR.match(line) and "{" not in line]
    names = re.split(r"[\s,]+", f"{values.get('extras', '')} {values.get('dependency_groups', '')}".lower())
    return Tox(
        source,
        parse("\n".join(plain), source, lambda path: read_text(tree, path)),
        tuple(name for name in names if name and "{" not in name and ":" not in name),
    )
