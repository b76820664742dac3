"""How a row's image is made: by its day, and nothing of the repository ever runs where there is a network."""

from dataclasses import replace

import pytest

from sandbox.bake import Step, bake
from tasks.harness import Harness, whole_names
from tasks.spec_image import build_requirements, chosen, environment_steps, project_steps, tree_step
from tasks.specs import Spec

HARNESS = Harness("pytest", ("t.py",), whole_names, structured=True)
SPEC = Spec("3.9", "", ("attrs==23.1.0",), ("sed -i s/a/b/ setup.cfg",), "test", HARNESS)


def test_an_environment_is_held_to_its_day() -> None:
    steps = environment_steps(SPEC, ("flake8",), ("setuptools",))
    assert [step.name for step in steps] == ["tools", "packages", "pinned packages", "wheels for the build"]
    assert all("--exclude-newer 2024-10-25" in step.script for step in steps[:3])
    lines = tree_step(SPEC, "v1.0").script.splitlines()
    assert lines.index("sed -i s/a/b/ setup.cfg") < lines.index("git tag v1.0")


def test_a_pin_that_the_specification_writes_into_the_tree_is_fetched_too() -> None:
    """Astropy's has `sed` put setuptools==68.0.0 into pyproject.toml, which is read before that."""
    line = """sed -i 's/requires = \\["setuptools",/requires = \\["setuptools==68.0.0",/' pyproject.toml"""
    wheels = environment_steps(replace(SPEC, before=(line,)), (), ("setuptools",))[-1]
    assert wheels.script.splitlines()[-1].endswith("--dest /opt/wheels setuptools==68.0.0")


def test_the_repository_runs_only_without_network() -> None:
    *before, project = project_steps(("attrs",))
    assert [step.network for step in before] == [True]
    assert not project.network
    assert [step.name for step in (*before, project) if "--editable" in step.script] == ["project"]
    assert [step for step in environment_steps(SPEC, (), ("setuptools",)) if "--only-binary :all:" in step.script]
    assert project_steps(()) == [project]


def test_no_step_gets_the_network_back() -> None:
    hostile, later = Step("hostile", ":"), Step("later", ":", network=True)
    with pytest.raises(ValueError, match="cannot follow"):
        bake("solve/no-such-base:1", "solve/no-such-image:1", [hostile, later], {}, "/")


def test_a_hostile_tag_or_requirement_is_one_word() -> None:
    assert "git tag 'v1; touch /pwned'" in tree_step(SPEC, "v1; touch /pwned").script
    assert "'$(reboot)\n'" in environment_steps(SPEC, ("$(reboot)",), ())[1].script
    assert "'$(reboot)\n'" in project_steps(("$(reboot)",))[0].script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[build-system]\nrequires = ["flit-core>=3.7", "evil @ https://x.invalid/e.zip", "-r x"]\n',
            {"flit-core>=3.7"},
        ),
        ("[build-system]\n", set()),
        ("build-system = 3\n", set()),
        ("[build-system]\nrequires = 3\n", set()),
        ("not toml", set()),
        (None, set()),
    ],
)
def test_a_build_asks_for_what_its_file_states(text: str | None, expected: set[str]) -> None:
    assert set(build_requirements(lambda commit, path: text, "c0ffee")) == {
        "setuptools",
        "setuptools-scm",
        "wheel",
        *expected,
    }


METADATA = [
    "attrs>=19",
    'colorama; sys_platform == "win32"',
    "evil @ https://x.invalid/evil.zip",
    'nose; extra == "testing"',
    'sphinx; python_version >= "3.8" and extra == "docs"',
    "calc[testing]; extra == 'dev'",
]


def test_extras_that_name_extras_are_followed() -> None:
    plain = ("attrs>=19", 'colorama; sys_platform == "win32"')
    assert chosen(METADATA, (), "Calc") == plain
    assert chosen(METADATA, ("dev",), "Calc") == (*plain, 'nose; python_version >= "0"')
    assert chosen(METADATA, ("docs",), "Calc")[-1] == 'sphinx; python_version >= "3.8" and python_version >= "0"'
