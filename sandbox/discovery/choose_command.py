"""Which command runs a Python repository's tests, and which others would be tried."""

import re
from collections.abc import Sequence
from itertools import islice
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
_ODD = re.compile(r"^(tests?.*|.*_tests)\.py$")  # names that unittest, or nose, would have taken
ODD_COMMAND = f"{PYTEST_COMMAND} -o python_files='test*.py *_test.py *_tests.py'"
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
    """The most certain of all candidates; each of the others comes to stand in `following`.

    What a person asked for has no others.
    """
    if asked.test_command:
        log.append(Evidence("test command", asked.test_command, asked.source("test_command")))
        return asked.test_command
    found = _candidates(tree, told, requirements)
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
    usual, odd = _test_files(tree)
    if usual:
        why = "pytest runs unittest suites too"
        found.append(Evidence("test command", PYTEST_COMMAND, usual, why, "medium"))
    elif odd:
        why = "named as pytest would not take it by itself"
        found.append(Evidence("test command", ODD_COMMAND, odd, why, "medium"))
    others = [item for item in direct if item.value != PYTEST_COMMAND]
    found += [Evidence("test command", item.value, item.source, item.why, "medium") for item in others]
    found.append(Evidence("test command", PYTEST_COMMAND, "default", "pytest runs unittest suites too", "low"))
    indirect = [item for item in ran if item not in direct and item.value.startswith("make")]
    return found + [Evidence("test command", item.value, item.source, item.why, "low") for item in indirect]


def _test_files(tree: Path) -> tuple[str, str]:
    """The first file that pytest would collect, and the first that it would by another pattern; "" if there is none."""
    odd = ""
    for path in islice(tree.rglob("*.py"), _MAX_FILES):
        if _COLLECTED.match(path.name):
            return path.relative_to(tree).as_posix(), odd
        if not odd and _ODD.match(path.name):
            odd = path.relative_to(tree).as_posix()
    return "", odd
