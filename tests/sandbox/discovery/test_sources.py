"""Each kind of file that says how a repository is built and tested, and what stands behind the first plan."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.api import BadInput
from sandbox.discovery.detect import detect
from sandbox.discovery.overrides import NOTHING, TABLE, Overrides
from sandbox.discovery.poetry import specifier
from sandbox.discovery.python import PYTEST
from sandbox.discovery.recipe import Evidence, Recipe
from sandbox.discovery.script import read_script

SETUP = "from setuptools import setup\n"


def found(folder: Path, files: dict[str, str], asked: Overrides = NOTHING) -> Recipe:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return detect(folder, asked)


def only(items: tuple[Evidence, ...], what: str) -> Evidence:
    (item,) = (item for item in items if item.what == what)
    return item


def following(recipe: Recipe, what: str) -> set[tuple[str, str]]:
    return {(item.value, item.source) for item in recipe.following if item.what == what}


def test_poetry(tmp_path: Path) -> None:
    text = """
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
[tool.poetry]
name = "A_b"
[tool.poetry.dependencies]
python = "^3.8"
six = "^1.2"
fast = {version = "~2.1", optional = true}
own = {git = "https://evil.example/x"}
old = {version = "*", python = "<3.9", extras = ["x"]}
[tool.poetry.extras]
tests = ["fast"]
[tool.poetry.group.dev.dependencies]
black = "23.1"
"""
    recipe = found(tmp_path, {"pyproject.toml": text})
    assert (recipe.name, recipe.requires_python) == ("a-b", "<4,>=3.8") or recipe.requires_python == ">=3.8,<4"
    assert recipe.requirements == ("six<2,>=1.2", 'old[x]; python_version < "3.9"', "fast<2.2,>=2.1", PYTEST)
    assert only(recipe.evidence, "not read").value == "own comes from an address or a path: refused"
    assert following(recipe, "requirement") == {("black==23.1", "pyproject.toml [tool.poetry] (dev)")}


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [("^1.2.3", ">=1.2.3,<2"), ("^0.2.3", ">=0.2.3,<0.3"), ("^0.0.3", ">=0.0.3,<0.0.4"), ("~1.2", ">=1.2,<1.3"),
     ("~1", ">=1,<2"), ("*", ""), ("1.2.*", "==1.2.*"), (">=1,<3", ">=1,<3"), (">=1 <3", ">=1,<3"), ("1.0", "==1.0"),
     ("~2.7 || ^3.6", ">=3.6,<4"), ("", "")],
)  # fmt: skip
def test_constraints_of_poetry(constraint: str, expected: str) -> None:
    assert specifier(constraint) == expected


def test_pipfile(tmp_path: Path) -> None:
    text = '[packages]\nsix = "*"\nx = {path = "."}\n[dev-packages]\nmock = ">=2"\n[requires]\npython_version = "3.9"\n'
    recipe = found(tmp_path, {"Pipfile": text, "a.py": ""})
    assert (recipe.requires_python, recipe.requirements) == ("==3.9.*", ("six", "mock>=2", PYTEST))


@pytest.mark.parametrize(
    "lines",
    [
        "setup(name='a', install_requires=open('needs.txt').read().splitlines())",
        "with open('needs.txt') as f:\n    needs = f.readlines()\nsetup(name='a', install_requires=needs)",
        "def read(n='needs.txt'):\n    return list(open(n))\nsetup(install_requires=read())",
        "meta = {'install_requires': ['six']}\nsetup(**meta)",
    ],
)
def test_computed_requirements_are_taken_from_the_files_that_the_computation_names(tmp_path: Path, lines: str) -> None:
    recipe = found(tmp_path, {"setup.py": SETUP + lines, "needs.txt": "six\n"})
    assert recipe.requirements == ("six", PYTEST)


def test_requirements_of_setuptools_in_other_files(tmp_path: Path) -> None:
    text = """
[project]
name = "a"
dynamic = ["dependencies", "optional-dependencies"]
[tool.setuptools.dynamic]
dependencies = {file = ["needs.txt"]}
optional-dependencies.test = {file = ["more.txt"]}
"""
    recipe = found(tmp_path, {"pyproject.toml": text, "needs.txt": "six", "more.txt": "mock"})
    assert recipe.requirements == ("six", "mock", PYTEST)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tox.toml", '[env_run_base]\ndeps = ["mock"]\ncommands = [["pytest", "tests"]]'),
        ("pyproject.toml", '[tool.tox]\nlegacy_tox_ini = """[testenv]\ndeps = mock\ncommands = pytest {posargs}"""'),
        ("pyproject.toml", '[tool.hatch.envs.test]\ndependencies = ["mock"]\n[tool.hatch.envs.test.scripts]\n'
         'run = "coverage run -m pytest {args:tests}"'),
        ("noxfile.py", "def tests(session):\n    session.install('mock')\n    session.run('pytest', '-x')\n"),
        (".github/workflows/ci.yml", "on: push\njobs:\n  x:\n    steps:\n    - run: |\n        pip install mock\n"
         "        sudo PYTHONPATH=. python3 -m pytest -x | tee log\n"),
        (".travis.yml", "install: pip install mock\nscript:\n - coverage run --source a -m pytest\n"),
        ("Makefile", "all: test\ntest:\n\t@pip install mock && \\\n\tpytest -v\n\nclean:\n\tpip install evil\n"),
    ],
)  # fmt: skip
def test_automation_tells_what_tests_need_and_how_they_run(tmp_path: Path, name: str, text: str) -> None:
    recipe = found(tmp_path, {name: text, "a.py": ""})
    command = only(recipe.evidence, "test command")
    assert recipe.requirements == ("mock", PYTEST)
    assert (command.value, command.source.split(" ")[0], command.confidence) == ("python -m pytest", name, "high")


def test_system_packages_and_versions_of_a_workflow_are_kept_for_later(tmp_path: Path) -> None:
    text = """
jobs:
  a:
    strategy: {matrix: {python-version: ["3.9", "3.12", 3.8, pypy]}}
    steps: [{run: "sudo apt-get install -y libpq-dev g++ evil-"}]
"""
    recipe = found(tmp_path, {".github/workflows/ci.yml": text, "a.py": ""})
    assert recipe.system == ()
    assert following(recipe, "system package") == {(name, ".github/workflows/ci.yml") for name in ("libpq-dev", "g++")}
    assert following(recipe, "python") == {("==3.12.*", ".github/workflows/ci.yml")}


def test_a_runner_of_its_own_goes_first_only_where_pytest_would_find_nothing(tmp_path: Path) -> None:
    make = "test:\n\tpython tests/runtests.py -q\n"
    recipe = found(tmp_path, {"Makefile": make, "a.py": ""})
    assert recipe.test_command == "python tests/runtests.py -q"
    assert [item.value for item in recipe.following if item.what == "test command"] == ["python -m pytest", "make test"]
    assert found(tmp_path, {"tests/test_a.py": ""}).test_command == "python -m pytest"


def test_a_workflow_that_multiplies_costs_nothing(tmp_path: Path) -> None:
    bomb = "a0: &a0 {run: pytest}\n" + "".join(
        f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 60)
    )
    start = time.monotonic()
    recipe = found(tmp_path, {".github/workflows/ci.yml": bomb, "a.py": ""})
    assert recipe.test_command == "python -m pytest"
    assert time.monotonic() - start < 5


def test_what_is_asked_goes_before_the_table_and_that_before_all_else(tmp_path: Path) -> None:
    text = """
[project]
name = "a"
requires-python = ">=3.8"
[tool.pytest.ini_options]
[tool.solve]
python = "3.9"
test-command = "make check"
test-requirements = ["mock>=2"]
system-packages = ["libpq-dev"]
"""
    files = {"pyproject.toml": text, "requirements-test.txt": "hypothesis"}
    recipe = found(tmp_path, files)
    assert (recipe.requires_python, recipe.test_command, recipe.system) == ("==3.9.*", "make check", ("libpq-dev",))
    assert recipe.requirements == ("mock>=2", PYTEST)
    assert only(recipe.evidence, "test command").source == TABLE
    assert ("hypothesis", "requirements-test.txt") in following(recipe, "requirement")
    both = found(tmp_path, files, Overrides(test_command="tox"))
    assert (both.test_command, both.requires_python) == ("tox", "==3.9.*")
    assert only(both.evidence, "test command").source == "the command line"
    assert only(both.evidence, "requires python").source == TABLE


@pytest.mark.parametrize(
    "entry",
    ["python = 3.9", 'python = "4.0"', 'test-requirements = ["x @ https://evil.example"]', 'colour = "red"',
     'system-packages = ["-o=APT::x"]', 'system-packages = ["gcc-"]', 'language = "cobol"', 'test-command = ""'],
)  # fmt: skip
def test_a_table_that_cannot_be_used_names_its_entry(tmp_path: Path, entry: str) -> None:
    with pytest.raises(BadInput, match=entry.partition(" ")[0]) as failure:
        found(tmp_path, {"pyproject.toml": f"[tool.solve]\n{entry}\n"})
    assert "\n" not in str(failure.value)


def test_a_python_that_is_none() -> None:
    with pytest.raises(BadInput, match=r"as 3\.9"):
        Overrides(python="nine")


@given(st.text(st.sampled_from("pip install-rm tes.&|;\n'\"\\$(){}[]=@/#"), max_size=60))
def test_no_line_of_a_script_is_too_odd(text: str) -> None:
    for line in read_script([text], "x", Path("/nonexistent")).requirements.accepted:
        assert line[0].isalnum()
