"""How a Cargo package or workspace is built and tested."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.discovery.overrides import Overrides
from sandbox.discovery.recipe import Evidence, Recipe
from sandbox.discovery.requirements import read_text
from sandbox.discovery.tables import string, strings, table
from sandbox.discovery.toolchain import TOOLCHAINS

COMMAND = "cargo test --offline --no-fail-fast"
_KINDS = ("dependencies", "dev-dependencies", "build-dependencies")
_ELSEWHERE = ("git", "path", "registry", "registry-index", "workspace")
_NAME = re.compile(r"^[A-Za-z][\w-]*$")
_VERSION = re.compile(r"^[\w.*^~<>=, +-]+$")
_MAX_MEMBERS = 200
_SHORT = re.compile(r'^{ package = "(.*?)", version = "(.*?)".*')  # a crate as people write it


def read(tree: Path, asked: Overrides) -> Recipe:
    """The recipe of the Cargo package or workspace in the folder `tree`."""
    top = _toml(tree, "Cargo.toml")
    name, version = string(table(top, "package").get("name")), string(table(top, "package").get("rust-version"))
    log = [Evidence("language", "rust", "Cargo.toml")]
    if name:
        log.append(Evidence("name", name, "Cargo.toml"))
    if version:
        log.append(Evidence("requires rust", version, "Cargo.toml", f"Debian's is {TOOLCHAINS['rust'].version}"))
    packages = TOOLCHAINS["rust"].packages
    log += [Evidence("system package", item, "default", "the toolchain") for item in packages]
    log += [Evidence("system package", item, asked.source("system")) for item in asked.system or ()]
    lines = sorted({line for source in _members(tree, top) for line in _crates(source)})
    log += [Evidence("requirement", _SHORT.sub(r"\1@\2", line), "Cargo.toml") for line in lines]
    everything = " --workspace" if "workspace" in top and "package" in top else ""
    command = asked.test_command or f"{COMMAND}{everything}"
    source = asked.source("test_command") if asked.test_command else "default"
    log.append(Evidence("test command", command, source, "" if asked.test_command else "cargo's own"))
    return Recipe(
        "rust",
        name=name or "",
        test_command=command,
        system=(*packages, *(asked.system or ())),
        manifests=_manifests(tree, lines) if lines else {},
        evidence=tuple(log),
    )


def _manifests(tree: Path, lines: list[str]) -> Mapping[str, str]:
    """One package that asks for every crate that any member asks for, and the versions that the lock file pins."""
    head = '[package]\nname = "solve-modules"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\n'
    lock = read_text(tree, "Cargo.lock")
    # Members may ask for several versions of one crate, so each line has a name of its own.
    named = "".join(f"crate{number} = {line}\n" for number, line in enumerate(lines))
    return {"Cargo.toml": head + named, **({"Cargo.lock": lock} if lock else {})}


def _members(tree: Path, top: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The manifest at the top, and those of a workspace's members."""
    yield top
    patterns = [item for item in strings(table(top, "workspace").get("members")) if not item.startswith(("/", ".."))]
    found = [path for item in patterns for path in sorted(tree.glob(f"{item}/Cargo.toml"))]
    for path in found[:_MAX_MEMBERS]:
        yield _toml(tree, path.relative_to(tree).as_posix())


def _crates(manifest: Mapping[str, Any]) -> Iterator[str]:
    """`{package, version, features}` of every crate of the registry; those from elsewhere are not fetched."""
    holders = [manifest, table(manifest, "workspace"), *table(manifest, "target").values()]
    for holder in holders:
        for kind in _KINDS:
            for name, value in table(holder, kind).items() if isinstance(holder, dict) else ():
                if line := _crate(name, value):
                    yield line


def _crate(name: str, value: object) -> str:
    settings = value if isinstance(value, dict) else {"version": value}
    version, package = string(settings.get("version")), string(settings.get("package")) or name
    if any(key in settings for key in _ELSEWHERE) or not version:
        return ""
    features = [item for item in strings(settings.get("features")) if re.fullmatch(r"[\w+/?:.-]+", item)]
    if not (_NAME.match(package) and _VERSION.match(version)):
        return ""
    default = "false" if settings.get("default-features") is False else "true"
    listed = ", ".join(f'"{item}"' for item in features)
    return f'{{ package = "{package}", version = "{version}", default-features = {default}, features = [{listed}] }}'


def _toml(tree: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(tree, name) or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
