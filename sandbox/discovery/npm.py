"""package.json and its lock file → what npm is asked for: names and ranges of its registry, and nothing else.

Both are hostile data: an address, a path or another registry in them would have the build fetch from a place that the
repository chose. What names one is left out, and said; so are scripts and all settings.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.api import MEBIBYTE
from sandbox.discovery.requirements import read_text
from sandbox.discovery.tables import string, table

LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
OTHERS = ("pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb")  # of other programs
LARGEST_LOCK = 16 * MEBIBYTE
_KINDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_NAME = re.compile(r"^(@[a-z0-9~][\w.~-]*/)?[A-Za-z0-9~][\w.~-]{0,200}$")
_RANGE = re.compile(r"^(npm:(@[\w.~-]+/)?[\w.~-]+@)?[\w.*^~<>=|+ -]*$")
_REGISTRY = "https://registry.npmjs.org/"  # npm puts the one that it is set up with in its place
_TAR = re.compile(r"^[\w.+-]+$")  # a version, and no address
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Package:
    name: str = ""
    node: str = ""  # the range of Node.js that it states
    scripts: Mapping[str, str] = field(default_factory=dict)
    requirements_by_name: Mapping[str, str] = field(default_factory=dict)
    manifests: Mapping[str, str] = field(default_factory=dict)  # what is handed to npm
    lock: str = ""  # the file that pins versions
    refused: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()  # ranges of Node.js: its own, then those of what the lock file has it install

    @property
    def requirements(self) -> tuple[str, ...]:
        return tuple(f"{name}@{wanted}" if wanted else name for name, wanted in self.requirements_by_name.items())


def read_package(tree: Path) -> Package:
    """What package.json and the lock file beside it say; empty where they cannot be read."""
    data, unread = _json(tree, "package.json", MEBIBYTE)
    asked = {kind: table(data, kind) for kind in _KINDS}
    kept = {kind: {n: v for n, v in entries.items() if _taken(n, v)} for kind, entries in asked.items()}
    refused = [f"{n}: {v}"[:100] for entries in asked.values() for n, v in entries.items() if not _taken(n, v)]
    flat = {name: value for entries in kept.values() for name, value in entries.items()}
    if "workspaces" in data or (tree / "pnpm-workspace.yaml").is_file():
        unread.append("workspaces: only the dependencies of the package at the top are installed")
    manifests, lock = {}, ""
    if flat and (tree / "node_modules").exists():
        unread.append("dependencies: there is a node_modules folder in the repository")
    elif flat:
        manifests = {"package.json": json.dumps({"private": True, **kept}, sort_keys=True)}
        lock, text = _lock(tree, unread)
        manifests |= {"package-lock.json": text} if lock else {}
        unread += [f"{name}: npm chooses versions anew" for name in OTHERS if not lock and (tree / name).is_file()]
    node = string(table(data, "engines").get("node")) or ""
    return Package(
        string(data.get("name")) or "",
        node,
        {name: value for name, value in table(data, "scripts").items() if isinstance(value, str)},
        flat,
        manifests,
        lock,
        tuple(refused),
        tuple(unread),
        tuple(filter(None, (node, *_nodes(manifests.get("package-lock.json", ""))))),
    )


def without(manifests: Mapping[str, str], name: str) -> Mapping[str, str]:
    """What npm is asked for, but for one package of those at the top; the same where it is none of these."""
    changed = dict(manifests)
    for file, place in (("package.json", ()), ("package-lock.json", ("packages", ""))):
        data = json.loads(manifests.get(file, "{}"))
        held = [table(data, *place, kind) for kind in _KINDS]
        if any(entries.pop(name, None) is not None for entries in held):
            table(data, "packages").pop(f"node_modules/{name}", None)
            changed[file] = json.dumps(data, sort_keys=True)
    return changed


def _nodes(lock: str) -> list[str]:
    entries = table(json.loads(lock), "packages") if lock else {}
    return [string(table(entry, "engines").get("node")) or "" for entry in entries.values()]


def _taken(name: str, wanted: object) -> bool:
    return bool(_NAME.match(name)) and isinstance(wanted, str) and bool(_RANGE.match(wanted))


def _lock(tree: Path, unread: list[str]) -> tuple[str, str]:
    """The lock file's name and its text without addresses; both empty if there is none that can be used."""
    for name in LOCKS:
        if (tree / name).is_file():
            data, problems = _json(tree, name, LARGEST_LOCK)
            unread += problems
            if data:
                version = data.get("lockfileVersion")
                packages = {key: _entry(value) for key, value in table(data, "packages").items() if _own(key, value)}
                cleaned = {
                    "lockfileVersion": version if isinstance(version, int) else 1,
                    "requires": True,
                    **({"packages": packages} if packages else {}),
                    **({"dependencies": _nested(table(data, "dependencies"))} if not packages else {}),
                }
                return name, json.dumps(cleaned, sort_keys=True)
    return "", ""


def _own(key: str, value: object) -> bool:
    """An entry of the registry, or the one at the top: no link, and no folder of the repository."""
    inside = not key or (key.startswith("node_modules/") and ".." not in key)
    return inside and isinstance(value, dict) and not value.get("link")


def _entry(value: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without its address, unless that is the registry's; what the one at the top asks for is judged anew."""
    kept = {key: item for key, item in value.items() if key != "workspaces" and key not in _KINDS}
    kept |= {kind: {n: v for n, v in table(value, kind).items() if _taken(n, v)} for kind in _KINDS if kind in value}
    if not str(value.get("resolved", "")).startswith(_REGISTRY):
        kept.pop("resolved", None)
    return kept


def _nested(entries: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The tree of a lock file of npm before 7, without addresses."""
    kept = {}
    for name, value in entries.items() if depth < _MAX_DEPTH else ():
        if isinstance(value, dict) and _NAME.match(name) and _TAR.match(str(value.get("version", ""))):
            inner = _nested(table(value, "dependencies"), depth + 1)
            kept[name] = _entry({**value, "dependencies": {}}) | ({"dependencies": inner} if inner else {})
            if not inner:
                kept[name].pop("dependencies", None)
    return kept


def _json(tree: Path, name: str, largest: int) -> tuple[dict[str, Any], list[str]]:
    text = read_text(tree, name, largest)
    try:
        data = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        return {}, [f"{name}: not valid JSON: {str(error)[:100]}"]
    return (data, []) if isinstance(data, dict) else ({}, [f"{name}: no object"])
