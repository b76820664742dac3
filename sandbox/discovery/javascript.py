"""How an npm package, of JavaScript or TypeScript, is tested. What is fetched for it is in `sandbox.discovery.npm`."""

import re
import shlex
from collections.abc import Mapping
from itertools import islice
from pathlib import Path, PurePosixPath

from sandbox.discovery.node import DEBIAN, allows, node_for
from sandbox.discovery.npm import Package, read_package
from sandbox.discovery.overrides import Overrides
from sandbox.discovery.recipe import Confidence, Evidence, Recipe
from sandbox.discovery.toolchain import TOOLCHAINS

# What makes a runner print a report that can be read test by test; it follows the script's own arguments.
REPORTERS: Mapping[str, str] = {
    "ava": "--tap",
    "jest": "--json",
    "mocha": "--reporter json",
    "tap": "--reporter=tap",
    "vitest": "--reporter=json",
}
_PLACEHOLDER = re.compile(r"no test specified")
_ASSIGNMENT = re.compile(r"^\w+=")
_WRAPPERS = frozenset({"npx", "cross-env", "nyc", "c8", "env", "time"})
_TEST_FILE = re.compile(r"(^|/)(test|tests|__tests__)/.*\.[cm]?js$|(\.|-|_|/)test\.[cm]?js$")
_MAX_FILES = 20_000


def read(tree: Path, asked: Overrides) -> Recipe:
    """The recipe of the npm package in the folder `tree`."""
    package = read_package(tree)
    packages = TOOLCHAINS["javascript"].packages
    log = [Evidence("language", "javascript", "package.json")]
    if package.name:
        log.append(Evidence("name", package.name, "package.json"))
    node = node_for(package.nodes)
    manifests = package.manifests if node == DEBIAN else {**package.manifests, "node": f"{node}"}
    if package.nodes:
        log.append(_node(package, node))
    log += [Evidence("system package", item, "default", "the toolchain") for item in packages]
    log += [Evidence("system package", item, asked.source("system")) for item in asked.system or ()]
    source = package.lock or "package.json"
    log += [Evidence("requirement", item, source, "installed without its scripts") for item in package.requirements]
    log += [Evidence("refused", item, "package.json", "no range of npm's registry") for item in package.refused]
    log += [Evidence("not read", item, "package.json") for item in package.unread]
    if asked.test_command:
        commands = [Evidence("test command", asked.test_command, asked.source("test_command"))]
    else:
        commands = _commands(tree, package)
    return Recipe(
        "javascript", name=package.name, test_command=commands[0].value, system=(*packages, *(asked.system or ())),
        manifests=manifests, evidence=(*log, commands[0]), following=tuple(commands[1:]),
    )  # fmt: skip


def _node(package: Package, major: int) -> Evidence:
    """What is said of Node.js, by the package or else by what it installs."""
    stated, source = (package.node, "package.json") if package.node else (f">={major}", package.lock)
    if major != DEBIAN:
        return Evidence("requires node", stated, source, f"Debian's is {DEBIAN}: npm has {major}")
    known = f"Debian's is {DEBIAN}"
    return Evidence("requires node", stated, source, known, "high" if allows(stated, DEBIAN) else "low")


def _commands(tree: Path, package: Package) -> list[Evidence]:
    """What would run the tests, the most certain first."""
    script = package.scripts.get("test", "")
    script = "" if _PLACEHOLDER.search(script) else script
    runner, alone, words = _last(script)
    hidden = bool(script) and runner not in {*REPORTERS, "node"}
    why = f"`{script[:60]}` hides what it runs, and this is among the dependencies" if hidden else "a dependency"
    sure: Confidence = "medium" if hidden else "low"
    among = [name for name in ("vitest", "jest", "mocha") if name in package.requirements_by_name]
    direct = [Evidence("test command", _alone(name), "package.json", why, sure) for name in among]
    found = direct if hidden else []
    if script:
        reporter = REPORTERS.get(runner, "")
        whole = f"npm test -- {reporter}" if reporter else "npm test"
        found = [*found, Evidence("test command", whole, "package.json", f"scripts.test is `{script[:100]}`")]
        if "build" in package.scripts:
            why = "where tests import what the build script makes"
            found.append(Evidence("test command", f"npm run build && {whole}", "package.json", why, "medium"))
        if not alone and reporter:
            line = f"npx --no-install {shlex.join(words)} {reporter}"
            found.append(
                Evidence("test command", line, "package.json", "the runner without what stands before", "medium")
            )
    found = [*found, *direct]
    why = "node's own runner"
    if test := _test_file(tree):
        found.append(Evidence("test command", "node --test", test, why, "low"))
    elif not found:
        found.append(Evidence("test command", "node --test", "default", why, "low"))
    first = {item.value: item for item in reversed(found)}
    return [first[value] for value in dict.fromkeys(item.value for item in found)]


def _alone(runner: str) -> str:
    """A runner with its own settings."""
    return f"npx --no-install {runner}{' run' if runner == 'vitest' else ''} {REPORTERS[runner]}"


def _last(script: str) -> tuple[str, bool, list[str]]:
    """The runner that a script ends in, whether it is all that the script does, and its words."""
    parts = [part.strip() for part in re.split(r"&&|;|\|\|", script) if part.strip()]
    try:
        words = shlex.split(parts[-1]) if parts else []
    except ValueError:
        words = []
    while words and (words[0] in _WRAPPERS or _ASSIGNMENT.match(words[0]) or words[0].startswith("-")):
        words = words[1:]
    runner = PurePosixPath(words[0]).name.removesuffix(".js") if words else ""
    runner = "mocha" if runner == "_mocha" else runner
    return runner, len(parts) == 1, words


def _test_file(tree: Path) -> str:
    """The first file that `node --test` would take."""
    for path in islice(tree.rglob("*.*js"), _MAX_FILES):
        name = path.relative_to(tree).as_posix()
        if "node_modules" not in path.parts and _TEST_FILE.search(name):
            return name
    return ""
