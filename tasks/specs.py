"""SWE-bench's own specifications and log parsers, from the public package (extra `swebench`), as data of ours.

The package is imported when a row first needs it: that takes seconds, and nothing else here needs it.
"""

import importlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sandbox.api import BadInput
from tasks.harness import Harness, whole_names
from tasks.row import Row
from tasks.task import Answer

# Reads a file of the repository at a commit; None if it is not there.
Show = Callable[[str, str], str | None]

# tox takes nothing of the environment along unless it is told to.
TOX = "TOX_OVERRIDE='testenv.pass_env+=PYTHONPATH,PYTEST_PLUGINS,PYTEST_ADDOPTS,SOLVE_PLUGINS,SOLVE_REPORT' "
NOT_TESTS = (".json", ".png", "csv", ".txt", ".md", ".jpg", ".jpeg", ".pkl", ".yml", ".yaml", ".toml", ".rst", ".cfg")
_PYTEST = re.compile(r"\b(pytest|tox)\b")
_INSTALL = re.compile(r"pip install (?:.* )?\.(?:\[(?P<extras>[\w,.-]+)\])?(?: |$)")
CONDA_ONLY = frozenset(
    {
        "python",
        "pip",
        "hdf5",
        "eccodes",
        "esmpy",
        "iris",
        "rasterio",
        "cartopy",
        "pseudonetcdf",
        "pynio",
        "cfgrib",
        "cdms2",
    }
)
_DIFF = re.compile(rb"^diff --git a/.* b/(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Spec:
    """How a row's environment is made, and how its tests are run."""

    python: str  # "3.9"
    packages: str  # names, or the name of a file of the repository that has them
    pip_packages: tuple[str, ...]  # installed after those, which they may override
    before: tuple[str, ...]  # shell lines, in the tree, before the project itself is installed
    extras: str  # of the project: "test,dev"
    harness: Harness


def specification(row: Row) -> Spec | None:
    """The package's specification of the row, or None where it has none (another dataset, another language)."""
    found = stated(row)
    if "python" not in found:
        return None
    install = _INSTALL.search(found.get("install", ""))
    return Spec(
        found["python"],
        found.get("packages", ""),
        tuple(found.get("pip_packages", ())),
        tuple(found.get("pre_install", ())),
        (install["extras"] if install else "") or "",
        harness(row, found["test_cmd"]),
    )


def published_harness(row: Row) -> Harness:
    """How tests are run in the image that the row or its dataset names. Those of other languages than Python are run
    by commands that name their own files, after the build that the specification asks for."""
    found = stated(row)
    if conda(row):
        return harness(row, found["test_cmd"]) if found else harness(row)
    commands = [found["test_cmd"]] if isinstance(found["test_cmd"], str) else found["test_cmd"]
    return replace(harness(row, "; ".join([*found.get("build", ()), *commands])), files=())


def conda(row: Row) -> bool:
    """Whether a published image of the row keeps its environment as SWE-bench's Python images do."""
    found = stated(row)
    return not found or "python" in found


def stated(row: Row) -> dict[str, Any]:
    """What the package has on the row's version of its repository; nothing for other datasets."""
    constants = _module("constants")
    specs = constants.MAP_REPO_VERSION_TO_SPECS if constants else {}
    return dict(specs.get(row.task.repository, {}).get(row.setup.version, {}))


def harness(row: Row, command: str | list[str] = "pytest -rA") -> Harness:
    """How the row's tests are run by that command, and read by the parser of its repository."""
    line = command[-1] if isinstance(command, list) else command
    parsers = _module("log_parsers")
    parser = parsers.MAP_REPO_TO_PARSER.get(row.task.repository) if parsers else None
    return Harness(
        TOX + line if line.startswith("tox ") else line,
        hidden_files(row.answer, row.task.repository),
        (lambda text: parser(text, None)) if parser else whole_names,
        structured=bool(_PYTEST.search(line)),
    )


def hidden_files(answer: Answer, repository: str) -> tuple[str, ...]:
    """What the tests' patch touches and a runner can be given, as SWE-bench's `get_test_directives` has it."""
    deleted = set(re.findall(rb"^diff --git a/.* b/(.*)\ndeleted file", answer.test_patch, re.MULTILINE))
    paths = [name.decode("utf-8", "replace") for name in _DIFF.findall(answer.test_patch) if name not in deleted]
    files = [path for path in paths if not path.endswith(NOT_TESTS)]
    if repository == "django/django":
        return tuple(path.removesuffix(".py").removeprefix("tests/").replace("/", ".") for path in files)
    return tuple(files) or tuple(dict.fromkeys(name.split("::")[0] for name in answer.fail_to_pass if "::" in name))


def requirements(spec: Spec, row: Row, show: Show) -> tuple[str, ...]:
    """The lines that `spec.packages` stands for.

    Raises:
        BadInput: the file that it names is not in the repository.
    """
    packages, constants, commit = spec.packages, _module("constants"), row.setup.environment_commit
    if packages == "requirements.txt":
        for path in constants.MAP_REPO_TO_REQS_PATHS[row.task.repository]:
            text = show(commit, path)
            if text is not None:
                return tuple(_requirements(text, path, lambda name: show(commit, name)))
    elif packages == "environment.yml":
        for path in constants.MAP_REPO_TO_ENV_YML_PATHS[row.task.repository]:
            text = show(commit, path)
            if text is not None:
                return tuple(_from_conda(text))
    else:
        return tuple(packages.split())
    raise BadInput(f"{row.task.id}: {packages} is not in the repository at {commit[:12]}")


def _requirements(text: str, path: str, show: Callable[[str], str | None]) -> list[str]:
    """The lines of a requirements file and of those it names, as the package cleans them."""
    cleaned = _module("test_spec.python").clean_requirements(text)
    lines: list[str] = []
    for line in (line.strip() for line in cleaned.splitlines()):
        if line.startswith("-r"):
            name = path.rpartition("/")[0] + "/" + line[2:].strip() if "/" in path else line[2:].strip()
            lines += _requirements(show(name) or "", name, show)
        elif line and not line.startswith(("-e .", "#", ".[test", "--")):
            lines.append(line.split(" #")[0])
    return lines


def _from_conda(text: str) -> list[str]:
    """What of a conda environment pip can have; conda's own names of non-Python libraries are left out."""
    listed = importlib.import_module("yaml").safe_load(text).get("dependencies", [])
    lines = []
    for item in listed:
        if isinstance(item, dict):
            lines += item.get("pip", [])
        elif re.split(r"[=<>]", item)[0] not in CONDA_ONLY:
            item = item.replace("matplotlib-base", "matplotlib")
            lines.append(re.sub(r"(?<![=<>!~])=(?!=)", "==", item) if "*" not in item else item.split("=")[0])
    return lines


@cache
def _module(name: str) -> Any:
    """A module of the package, or None where it is not installed."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        return importlib.import_module(f"swebench.harness.{name}")
    except ModuleNotFoundError:
        return None
    finally:
        # It sets up logging for the whole process: each call of a model would be a line amid the live view.
        root.handlers[:] = handlers
        root.setLevel(level)


def installed() -> bool:
    return _module("constants") is not None
