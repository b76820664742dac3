"""What real failures print, and the one change that each asks for; and that hostile text chooses nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.discovery.recipe import Evidence, Recipe
from sandbox.discovery.remedy import Remedy, remedies
from sandbox.discovery.script import PACKAGE

RECIPE = Recipe("python", name="own", requirements=("pytest==8.3.5", "pylint==1.7"), backend="setuptools.build_meta")
PSYCOPG = """
    ./psycopg/psycopg.h:36:10: fatal error: libpq-fe.h: No such file or directory
       36 | #include <libpq-fe.h>
    compilation terminated.
    error: command '/usr/bin/x86_64-linux-gnu-gcc' failed with exit code 1
"""
COLLECT = """
________________ ERROR collecting tests/test_cli.py ________________
ImportError while importing test module 'tests/test_cli.py'.
tests/test_cli.py:3: in <module>
    import yaml
E   ModuleNotFoundError: No module named 'yaml'
"""


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (PSYCOPG, "system", "libpq-dev"),
        ("Error: pg_config executable not found.", "system", "libpq-dev"),
        ("/usr/bin/ld: cannot find -lxml2: No such file or directory", "system", "libxml2-dev"),
        ("error: command 'gcc' failed: No such file or directory", "system", "gcc"),
        ("  FileNotFoundError: [Errno 2] No such file or directory: 'hg'", "system", "mercurial"),
        ("/bin/sh: 1: swig: not found", "system", "swig"),
        ("c/_cffi_backend.c:15:10: fatal error: ffi.h: No such file or directory", "system", "libffi-dev"),
        ("Dependency lookup failed: No package 'cairo' found", "system", "libcairo2-dev"),
        (COLLECT, "requirement", "PyYAML"),
        ("E   ModuleNotFoundError: No module named 'google.protobuf'", "requirement", "protobuf"),
        ("/opt/venv/bin/python: No module named pytest_cov", "requirement", "pytest_cov"),
        ("ModuleNotFoundError: No module named 'pkg_resources'", "requirement", "setuptools<81"),
        ("error: unrecognized arguments: --cov=own --cov-report=xml", "requirement", "pytest-cov"),
        ("error: unrecognized arguments: -n", "requirement", "pytest-xdist"),
        ("E       fixture 'mocker' not found", "requirement", "pytest-mock"),
        ("Missing required plugins: pytest-django", "requirement", "pytest-django"),
        ("PytestConfigWarning: Unknown config option: asyncio_mode", "requirement", "pytest-asyncio"),
        ("zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key UTC'", "requirement", "tzdata"),
        ("E   pytest.PytestRemovedIn9Warning: Marks applied to fixtures", "requirement", "pytest<8"),
        ("Argument(s) {'path'} are declared in the hookimpl but can not be found", "requirement", "pytest<8"),
        ("E   AttributeError: module 'py' has no attribute 'test'", "requirement", "py"),
        ("ImportError: libpq.so.5: cannot open shared object file: No such file", "system", "libpq-dev"),
        ("BackendUnavailable: Cannot import 'flit_core.buildapi'", "build requirement", "flit_core"),
        ("ERROR: No matching distribution found for pylint==1.7", "without", "pylint"),
        ("Failed: [pytest] section in setup.cfg files is no longer supported, change to [tool:pytest] instead.",
         "test command", "python -m pytest -c /dev/null --rootdir ."),
        ("ImportError: cannot import name 'Mapping' from 'collections' (/usr/lib/python3.11/...)", "python", "<3.10"),
        ("AttributeError: module 'inspect' has no attribute 'getargspec'. Did you mean", "python", "<3.11"),
        ("ModuleNotFoundError: No module named 'imp'", "python", "<3.12"),
        ("ModuleNotFoundError: No module named 'tomllib'", "python", ">=3.11"),
        ("TypeError: unsupported operand type(s) for |: 'type' and 'NoneType'", "python", ">=3.10"),
        ("ERROR: Package 'own' requires a different Python: 3.11.2 not in '>=3.12'", "python", ">=3.12"),
    ],
)  # fmt: skip
def test_a_symptom_and_its_remedy(text: str, kind: str, value: str) -> None:
    found = next(remedies(text, RECIPE))
    assert (found.kind, found.value) == (kind, value)
    assert found.symptom in " ".join(text.split())
    changed = found.of(RECIPE)
    assert (changed.digest(), changed.test_command) != (RECIPE.digest(), RECIPE.test_command)
    assert changed.evidence[-1].source == "an earlier try"


@pytest.mark.parametrize(
    "text",
    ["", "1 failed, 3 passed", "ModuleNotFoundError: No module named 'own'", "No module named 'helpers'",
     "No matching distribution found for never-asked", "fatal error: generated_by_us.h: No such file or directory",
     "requires a different Python: 3 not in 'rubbish'", "No module named 'pytest'"],
)  # fmt: skip
def test_nothing_is_known_of_it(text: str) -> None:
    assert list(remedies(text, RECIPE, {"helpers"})) == []


def test_other_languages_lack_programs_and_headers_only() -> None:
    text = "sh: 1: hg: not found\nNo module named 'yaml'\nx.c:1: fatal error: zlib.h: No such file\nmodule named 'imp'"
    found = remedies(text, Recipe("javascript"))
    assert {(item.kind, item.value) for item in found} == {("system", "mercurial"), ("system", "zlib1g-dev")}


def test_the_repositorys_own_line_goes_before_the_name_alone() -> None:
    stated = replace(RECIPE, following=(Evidence("requirement", "hypothesis<6", "requirements-dev.txt"),))
    assert next(remedies("No module named 'hypothesis'", stated)).value == "hypothesis<6"


def test_a_new_line_replaces_the_old_one_of_the_same_distribution() -> None:
    assert Remedy("requirement", "pytest<8", "").of(RECIPE).requirements == ("pylint==1.7", "pytest<8")
    assert Remedy("without", "pylint", "").of(RECIPE).requirements == ("pytest==8.3.5",)
    assert Remedy("python", "<3.10", "").of(replace(RECIPE, requires_python=">=3.8")).requires_python == ">=3.8,<3.10"
    assert Remedy("system", "gcc", "").of(RECIPE).system == ("gcc", "libc6-dev")


@given(st.text(st.sampled_from("No module named fatal error: x.h'\n-;@/ :"), max_size=60))
def test_whatever_a_build_prints(text: str) -> None:
    for remedy in remedies(f"No module named '{text}'\nfatal error: {text}", RECIPE):
        changed = remedy.of(RECIPE)
        assert all(PACKAGE.match(name) for name in changed.system)
        assert all(not line.startswith("-") and "/" not in line for line in changed.requirements)
