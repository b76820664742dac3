"""SWE-bench's specifications and parsers, as the public package has them (in .venv-score)."""

import subprocess
import sys

import pytest

from sandbox.api import BadInput
from sandbox.testlog import TestCase
from tasks.row import Row, Setup
from tasks.specs import requirements, specification
from tasks.task import Answer, Issue, Task

pytest.importorskip("swebench", reason="pip install 'solve[swebench]'")


def row(repository: str, version: str, **answer: tuple[str, ...]) -> Row:
    given = {"fail_to_pass": (), "pass_to_pass": ()} | answer
    return Row(
        Task("x", repository, "a" * 40, Issue("", "")),
        Answer(b"", b"", **given),
        Setup(version, environment_commit="c0ffee"),
    )


@pytest.mark.parametrize(
    ("repository", "version", "python", "extras", "structured"),
    [
        ("pytest-dev/pytest", "5.4", "3.9", "", True),
        ("sphinx-doc/sphinx", "3.3", "3.9", "test", True),
        ("sympy/sympy", "1.1", "3.9", "", False),
        ("mwaskom/seaborn", "0.13", "3.9", "dev", True),
        ("pydata/xarray", "0.12", "3.10", "", True),
    ],
)
def test_a_row_has_its_specification(repository: str, version: str, python: str, extras: str, structured: bool) -> None:
    found = specification(row(repository, version))
    assert found is not None
    assert (found.python, found.extras, found.harness.structured) == (python, extras, structured)


@pytest.mark.parametrize(
    ("repository", "version"), [("org/calc", "1.0"), ("pytest-dev/pytest", "99"), ("axios/axios", "1")]
)
def test_what_the_package_does_not_know_has_none(repository: str, version: str) -> None:
    assert specification(row(repository, version)) is None


FILES = {
    "requirements/dev.txt": "-r tests.txt  \nflask-dev-tool==1 # why\n# comment\n-e .\n",
    "requirements/tests.txt": "pytest==7.2\ntypes-pkg_resources==0.1\n",
    "ci/requirements/environment.yml": "dependencies:\n  - python=3.10\n  - cdms2\n"
    "  - matplotlib-base\n  - numpy=1.23\n  - pip:\n    - numbagg\n",
}


def test_requirements_are_read_from_the_repository_with_those_they_name() -> None:
    asked = row("pallets/flask", "2.3")
    spec = specification(asked)
    assert spec is not None
    commits: list[str] = []

    def show(commit: str, path: str) -> str | None:
        commits.append(commit)
        return FILES.get(path)

    assert requirements(spec, asked, show) == ("pytest==7.2", "types-setuptools", "flask-dev-tool==1")
    assert set(commits) == {"c0ffee"}
    with pytest.raises(BadInput, match=r"requirements\.txt is not in the repository at c0ffee"):
        requirements(spec, asked, lambda commit, path: None)


def test_of_a_conda_environment_pip_gets_what_it_can_have() -> None:
    asked = row("pydata/xarray", "0.12")
    spec = specification(asked)
    assert spec is not None
    assert requirements(spec, asked, lambda commit, path: FILES.get(path)) == ("matplotlib", "numpy==1.23", "numbagg")


def test_names_with_a_path_of_the_datasets_machine_are_found() -> None:
    wanted = "tests/test_a.py::test_x[/n/fs/p-swe-bench/temp/pylint/tests/file.py]"
    spec = specification(row("pylint-dev/pylint", "2.15"))
    assert spec is not None
    case = TestCase("tests/test_a.py::test_x[/testbed/tests/file.py]", "passed")
    assert spec.harness.read([case], [wanted]) == {wanted: "passed"}


def test_the_package_does_not_take_over_what_is_logged() -> None:
    code = "import logging, tasks.specs as s; print(s.installed(), logging.root.handlers, logging.root.level)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "[]", "30"]


def test_sympys_log_is_read_by_the_packages_parser() -> None:
    spec = specification(row("sympy/sympy", "1.9"))
    assert spec is not None
    assert spec.harness.read("test_a ok\ntest_b F\ntest_c E\n", ["test_a", "test_b", "test_c", "test_d"]) == {
        "test_a": "passed",
        "test_b": "failed",
        "test_c": "error",
    }
