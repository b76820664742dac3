"""Which command runs a Python repository's tests, and which others would be tried."""

import re
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.discovery.overrides import Overrides
from sandbox.discovery.recipe import Evidence
from sandbox.discovery.requirements import read_text
from sandbox.discovery.script import Told

PYTEST_COMMAND = "python -m pytest"
# https://docs.pytest.org/en/stable/reference/customize.html
_SETTINGS = (("pytest.ini", r"^\[pytest\]"), (".pytest.ini", r"^\[pytest\]"),
             ("pyproject.toml", r"^\[tool\.pytest(\.ini_options)?\]"), ("tox.ini", r"^\[pytest\]"),
             ("setup.cfg", r"^\[tool:pytest\]"))  # fmt: skip
_COLLECTED = re.compile(r"^(test_.*|.*_test)\.py$")
_INDIRECT = ("tox", "nox", "make")  # they build environments of their own, or call what is found anyway
_MAX_FILES = 20_000


def choose_command(
    tree: Path,
    told: Sequence[Told],
    requirements: Sequence[str],
    asked: Overrides,
    log: list[Evidence],
    following: list[Evidence],
) -> str:
    """The most certain of all candidates; each of the others comes to stand in `following`."""
    found = _candidates(tree, told, requirements)
    if asked.test_command:
        found.insert(0, Evidence("test command", asked.test_command, asked.source("test_command")))
    first: dict[str, Evidence] = {}
    for item in found:
        first.setdefault(item.value, item)
    chosen, *others = first.values()
    log.append(chosen)
    following += others
    return chosen.value


def _candidates(tree: Path, told: Sequence[Told], requirements: Sequence[str]) -> list[Evidence]:
    found = []
    configured = (name for name, line in _SETTINGS if re.search(line, read_text(tree, name) or "", re.MULTILINE))
    if settings := next(configured, ""):
        found.append(Evidence("test command", PYTEST_COMMAND, settings, "it has settings for pytest"))
    ran = [Evidence("test command", line, item.source, "run there") for item in told for line in item.commands]
    direct = [item for item in ran if item.value.partition(" ")[0] not in _INDIRECT]
    found += [item for item in direct if item.value == PYTEST_COMMAND]
    if any(canonicalize_name(Requirement(line).name).startswith("pytest-") for line in requirements):
        found.append(Evidence("test command", PYTEST_COMMAND, "requirements", "they name plugins of pytest", "medium"))
    by_custom = _test_file(tree)
    if by_custom:
        why = "pytest runs unittest suites too"
        found.append(Evidence("test command", PYTEST_COMMAND, by_custom, why, "medium"))
    others = [item for item in direct if item.value != PYTEST_COMMAND]
    found += [Evidence("test command", item.value, item.source, item.why, "medium") for item in others]
    found.append(Evidence("test command", PYTEST_COMMAND, "default", "pytest runs unittest suites too", "low"))
    indirect = [item for item in ran if item not in direct and item.value.startswith("make")]
    return found + [Evidence("test command", item.value, item.source, item.why, "low") for item in indirect]


def _test_file(tree: Path) -> str:
    """The first file that pytest would collect."""
    for count, path in enumerate(tree.rglob("*.py")):
        if _COLLECTED.match(path.name):
            return path.relative_to(tree).as_posix()
        if count > _MAX_FILES:
            break
    return ""
