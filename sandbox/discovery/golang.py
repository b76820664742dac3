"""How a Go module is built and tested."""

import re
from pathlib import Path

from sandbox.discovery.automation import read_makefile
from sandbox.discovery.overrides import Overrides
from sandbox.discovery.recipe import Evidence, Recipe
from sandbox.discovery.requirements import read_text
from sandbox.discovery.toolchain import TOOLCHAINS

COMMAND = "go test -json ./..."
_MODULE = re.compile(r"^module\s+\"?([\w./~-]+)", re.MULTILINE)
_VERSION = re.compile(r"^go\s+(\d+\.\d+)", re.MULTILINE)
_REQUIRED = re.compile(r"^(?:require)?\s+([\w./~-]+\.[\w./~-]+)\s+v\d\S*", re.MULTILINE)
_FILES = ("go.mod", "go.sum")


def read(tree: Path, asked: Overrides) -> Recipe:
    """The recipe of the Go module in the folder `tree`."""
    text = read_text(tree, "go.mod") or ""
    name, version = _MODULE.search(text), _VERSION.search(text)
    log = [Evidence("language", "go", "go.mod")]
    if name:
        log.append(Evidence("name", name[1], "go.mod"))
    if version:
        log.append(Evidence("requires go", version[1], "go.mod", f"Debian's is {TOOLCHAINS['go'].version}"))
    packages = TOOLCHAINS["go"].packages
    log += [Evidence("system package", item, "default", "the toolchain") for item in packages]
    log += [Evidence("system package", item, asked.source("system")) for item in asked.system or ()]
    required = _REQUIRED.findall(text)
    vendored = (tree / "vendor" / "modules.txt").is_file()
    log += [Evidence("requirement", item, "go.mod", "in vendor/" if vendored else "") for item in required]
    fetched = bool(required) and not vendored
    command, source = asked.test_command or COMMAND, asked.source("test_command") if asked.test_command else "default"
    log.append(Evidence("test command", command, source, "" if asked.test_command else "go's own, of all packages"))
    made = None if asked.test_command else read_makefile(tree)
    others = [line for line in made.commands if line.startswith("make")] if made else []
    files = {item: read_text(tree, item) or "" for item in _FILES} if fetched else {}
    return Recipe(
        "go",
        name=name[1] if name else "",
        test_command=command,
        system=(*packages, *(asked.system or ())),
        manifests={item: text for item, text in files.items() if text},
        evidence=tuple(log),
        following=tuple(Evidence("test command", line, "Makefile", "run there", "low") for line in others),
    )
