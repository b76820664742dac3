"""Detection: which files are believed, in which order, and that none of them is run or obeyed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from sandbox.api import BadInput
from sandbox.discovery.detect import detect
from sandbox.discovery.python import PYTEST
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.requirements import parse

LEGACY = "setuptools.build_meta:__legacy__"


def repository(folder: Path, files: dict[str, str]) -> Path:
    """A tree of text files by path."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def refused(recipe: Recipe) -> str:
    return "\n".join(item.value for item in recipe.evidence if item.what == "refused")


def source_of(recipe: Recipe, what: str) -> set[str]:
    return {item.source for item in recipe.evidence if item.what == what}


def test_pyproject_states_everything(tmp_path: Path) -> None:
    found = detect(
        repository(
            tmp_path,
            {
                "pyproject.toml": """
[build-system]
requires = ["flit_core >=3.11"]
build-backend = "flit_core.buildapi"
[project]
name = "My.Thing"
requires-python = ">=3.9"
dependencies = ["six>=1"]
[project.optional-dependencies]
docs = ["sphinx"]
[dependency-groups]
base = ["hypothesis"]
tests = ["pytest>=8", {include-group = "base"}, {include-group = "tests"}]
""",
                "src/thing.py": "",
            },
        )
    )
    assert found.name == "my-thing"
    assert found.requires_python == ">=3.9"
    assert found.requirements == ("six>=1", "pytest>=8", "hypothesis")
    assert (found.backend, found.build_requires) == ("flit_core.buildapi", ("flit_core>=3.11",))
    assert found.roots == ("src",)
    assert source_of(found, "requirement") == {"pyproject.toml", "pyproject.toml (tests)"}


def test_setup_py_is_read_and_never_run(tmp_path: Path) -> None:
    found = detect(
        repository(
            tmp_path,
            {
                "setup.py": f"""
import pathlib, os
from setuptools import setup
pathlib.Path({str(tmp_path / "ran")!r}).touch()
NEEDS = ["six"] + ["attrs"]
setup(name="old", version="1.2", install_requires=NEEDS, package_dir={{"": "lib"}},
      extras_require={{"test": ["mock"], "all": os.environ}}, tests_require=open("x").read())
""",
                "lib/old.py": "",
            },
        )
    )
    assert not (tmp_path / "ran").exists()
    assert found.requirements == ("six", "attrs", "mock", PYTEST)
    assert found.backend == LEGACY
    assert found.roots == ("lib",)
    assert [item.value for item in found.evidence if item.what == "not read"] == ["tests_require is computed"]


def test_computed_requirements_come_from_the_metadata_of_the_sdist(tmp_path: Path) -> None:
    found = detect(
        repository(
            tmp_path,
            {
                "setup.py": "from setuptools import setup\nsetup(name='a', install_requires=open('r').read())",
                "PKG-INFO": "Metadata-Version: 2.1\nName: a\nVersion: 3.4\nRequires-Dist: six\n"
                'Requires-Dist: mock; python_version >= "3" and extra == "test"\nProvides-Extra: test\n',
            },
        )
    )
    assert found.requirements == ("six", 'mock; python_version >= "3"', PYTEST)


def test_setup_cfg(tmp_path: Path) -> None:
    found = detect(
        repository(
            tmp_path,
            {
                "setup.cfg": """
[metadata]
name = b
version = attr: b.__version__
[options]
python_requires = >=3.8
install_requires =
    six
    # a comment
package_dir =
    = src
[options.extras_require]
testing = pytest>=7; coverage
[tool:pytest]
addopts = -q
""".replace("pytest>=7; coverage", "\n    pytest>=7\n    coverage"),
                "src/b.py": "",
            },
        )
    )
    assert (found.name, found.requires_python, found.roots) == ("b", ">=3.8", ("src",))
    assert found.requirements == ("six", "pytest>=7", "coverage")


def test_own_extras_are_followed_and_the_project_itself_is_left_out(tmp_path: Path) -> None:
    text = """
[project]
name = "pkg"
dependencies = []
[project.optional-dependencies]
http = ["httpx"]
all = ["Pkg[http]", "rich"]
test = ["pytest", "pkg[all]"]
"""
    found = detect(repository(tmp_path, {"pyproject.toml": text})).requirements
    assert sorted(found) == ["httpx", "pytest", "rich"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": "six", "requirements-dev.txt": "black", "test-requirements.txt": "q"}, ("six", "q")),
        ({"requirements-dev.txt": "black"}, ("black",)),
        ({"tox.ini": "[testenv]\ndeps =\n  mock\n  py38: typing\n  -r{toxinidir}/more.txt\n", "more.txt": "six"},
         ("mock", "six")),
    ],
)  # fmt: skip
def test_files_that_name_test_requirements(tmp_path: Path, files: dict[str, str], expected: tuple[str, ...]) -> None:
    found = detect(repository(tmp_path, {**files, "a.py": ""}))
    assert found.requirements == (*expected, PYTEST)
    assert not found.editable


def test_tox_names_the_extra_with_the_tests(tmp_path: Path) -> None:
    text = '[project]\nname = "a"\n[project.optional-dependencies]\nqa = ["mock"]\ndev = ["black"]\n'
    files = {"pyproject.toml": text, "tox.ini": "[testenv]\nextras = qa\n"}
    assert detect(repository(tmp_path, files)).requirements == ("mock", PYTEST)


def test_a_plugin_brings_its_own_pytest(tmp_path: Path) -> None:
    files = {"requirements-test.txt": "pytest-cov", "a.py": ""}
    assert detect(repository(tmp_path, files)).requirements == ("pytest-cov", "pytest")


def test_a_version_from_git_is_given_to_the_build(tmp_path: Path) -> None:
    text = '[build-system]\nrequires = ["hatchling", "hatch_vcs"]\nbuild-backend = "hatchling.build"\n'
    files = {"pyproject.toml": text, "PKG-INFO": "Name: a\nVersion: 4.5\n"}
    found = detect(repository(tmp_path, files))
    assert dict(found.build_env) == {"SETUPTOOLS_SCM_PRETEND_VERSION": "4.5"}
    assert "editables" in found.build_requires
    (tmp_path / "PKG-INFO").unlink()
    assert dict(detect(tmp_path).build_env) == {"SETUPTOOLS_SCM_PRETEND_VERSION": "0.0.0"}


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://evil.example/simple",
        "--extra-index-url=https://evil.example",
        "-f /etc",
        "-e git+https://evil.example/x#egg=x",
        "git+https://evil.example/x",
        "x @ https://evil.example/x.whl",
        "x @ file:///etc/passwd",
        "./local/package",
        "/etc/passwd",
        "-r ../../../etc/passwd",
        "-r /etc/passwd",
        "--requirement=missing.txt",
        "name with spaces",
    ],
)
def test_what_is_no_plain_requirement_is_refused_and_said(tmp_path: Path, line: str) -> None:
    found = detect(repository(tmp_path, {"requirements.txt": f"six\n{line}\n", "a.py": ""}))
    assert found.requirements == ("six", PYTEST)
    assert line in refused(found)


@pytest.mark.parametrize("line", ["-e .", "-e.[test]", ".", "--editable .", "# comment", "", "   "])
def test_the_repository_itself_and_empty_lines_are_no_news(tmp_path: Path, line: str) -> None:
    found = detect(repository(tmp_path, {"requirements.txt": line, "a.py": ""}))
    assert (found.requirements, refused(found)) == ((PYTEST,), "")


def test_hashes_comments_and_continued_lines(tmp_path: Path) -> None:
    text = "six==1.16 \\\n  --hash=sha256:aa \\\n  --hash=sha256:bb  # why\nmock # later\n"
    assert parse(text, "r.txt", lambda _: None).accepted == ("six==1.16", "mock")


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    files = {"requirements.txt": "-r b.txt\nsix", "b.txt": "-r requirements.txt\nmock", "a.py": ""}
    assert set(detect(repository(tmp_path, files)).requirements) == {"six", "mock", PYTEST}


def test_a_link_out_of_the_tree_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("stolen")
    top = repository(tmp_path / "repo", {"a.py": ""})
    (top / "requirements.txt").symlink_to("../secret.txt")
    (top / "pyproject.toml").symlink_to("pyproject.toml")
    assert detect(top).requirements == (PYTEST,)


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": "not = [toml"},
        {"pyproject.toml": "project = 3\nbuild-system = []\ndependency-groups = 'x'\ntool = 1"},
        {"pyproject.toml": "[project]\nname = 3\ndependencies = {}\noptional-dependencies = {test = 'x', dev = [1]}"},
        {"setup.cfg": "no section"},
        {"setup.py": "def (:"},
        {"setup.py": "setup(name=1, install_requires={1}, extras_require=[], package_dir={'': 3})"},
        {"setup.py": "(" * 5000},
        {"tox.ini": "broken", "a.py": ""},
    ],
)  # fmt: skip
def test_broken_files_are_no_trouble(tmp_path: Path, files: dict[str, str]) -> None:
    assert detect(repository(tmp_path, files)).requirements in ((PYTEST,), ("x", PYTEST))


def test_nothing_that_is_known(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no project in"):
        detect(repository(tmp_path, {"README.md": "Nothing yet."}))


def test_a_script_in_a_project_of_another_language_does_not_make_it_python(tmp_path: Path) -> None:
    files = {"src/main.c": "int main() {}", "src/more.c": "", "tools/make_header.py": ""}
    with pytest.raises(BadInput, match=r"mostly C, .* `language` and `test-command` of \[tool.solve\]"):
        detect(repository(tmp_path, files))
    tools = {"package.json": '{"private": true}', "pyproject.toml": "[tool.black]\nline-length = 100\n"}
    with pytest.raises(BadInput, match="mostly C"):
        detect(repository(tmp_path, tools))
    assert detect(repository(tmp_path, {"main.py": ""})).language == "python"
    (tmp_path / "main.py").unlink()
    table = '[tool.solve]\nlanguage = "python"\ntest-command = "make test"\n'
    assert detect(repository(tmp_path, {"pyproject.toml": table})).test_command == "make test"


def test_of_what_ci_installs_that_is_tried_which_a_build_may_miss(tmp_path: Path) -> None:
    steps = "jobs: {test: {steps: [{run: 'sudo apt-get install -y libfoo-dev firefox gfortran libfoo-dev'}]}}"
    found = detect(repository(tmp_path, {"setup.py": "", ".github/workflows/ci.yml": steps}))
    assert [item.value for item in found.following if item.what == "system package"] == ["libfoo-dev", "gfortran"]


def test_the_digest_names_what_is_built_and_not_how_it_was_found(tmp_path: Path) -> None:
    one = detect(repository(tmp_path / "1", {"requirements.txt": "six\nmock", "a.py": ""}))
    two = detect(repository(tmp_path / "2", {"requirements.txt": "mock\n\nsix", "a.py": ""}))
    other = detect(repository(tmp_path / "3", {"requirements.txt": "mock", "a.py": ""}))
    assert one.evidence != two.evidence
    assert one.digest() == two.digest() != other.digest()


@given(st.text(st.sampled_from("abc-=.@:/\\\n\t #<>;'\"[](){}~!&rei0192$"), max_size=80))
def test_whatever_stands_in_a_requirements_file(text: str) -> None:
    for line in parse(text, "r.txt", lambda _: "-r r.txt").accepted:
        requirement = Requirement(line)
        assert not requirement.url
        assert line[0].isalnum()
