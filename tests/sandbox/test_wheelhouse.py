"""Wheels for a Python that need not be this one, and nothing built but in a sandbox."""

import os
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sandbox.api import BuildFailed
from sandbox.base import host_base
from sandbox.wheelhouse import Target, fill, missing


def wheel(folder: Path, name: str, *requires: str, python: str = "py3-none-any") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    with zipfile.ZipFile(folder / f"{name}-1.0-{python}.whl", "w") as archive:
        archive.writestr(
            f"{name}-1.0.dist-info/METADATA", metadata + "".join(f"Requires-Dist: {r}\n" for r in requires)
        )
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {python}\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")


def no_build(requirement: Requirement, folder: Path) -> None:
    raise AssertionError(f"{requirement} has a wheel")


def test_what_a_set_of_wheels_lacks(tmp_path: Path) -> None:
    wheel(tmp_path, "a", "b[fast]>=1", 'old; python_version < "3.10"', 'x; sys_platform == "win32"')
    wheel(tmp_path, "b", 'speed; extra == "fast"', 'lazy; extra == "slow"')
    wanted = [Requirement("a")]
    for python, expected in (("3.11", {"speed"}), ("3.9", {"speed", "old"})):
        lacking = missing(tmp_path, wanted, Target(python).environment())
        assert {item.name for item in lacking} == expected


def test_a_file_that_is_no_wheel(tmp_path: Path) -> None:
    (tmp_path / "a-1.0-py3-none-any.whl").write_text("no zip")
    with pytest.raises(BuildFailed, match="not a wheel"):
        missing(tmp_path, [Requirement("a")], {})


def test_for_this_very_python_pip_chooses_by_itself() -> None:
    own = host_base("").python
    assert Target(own, container=False).options() == []
    assert "manylinux_2_17_x86_64" in Target(own, "x86_64").options()
    assert "cp39" in Target("3.9", container=False).options()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that pip looks at."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.mark.slow
def test_one_wheel_for_each_and_none_of_the_project_itself(tmp_path: Path, index: Path) -> None:
    """pip leaves out `old`, by the marker of its own Python; the target needs it."""
    wheel(index, "a", 'old; python_version < "3.9"', "own")
    wheel(index, "old")
    wheel(index, "own")
    house = tmp_path / "house"
    house.mkdir()
    fill(house, ["a", 'no; python_version > "3.8"'], Target("3.8"), own="own", build=no_build, tell=print)
    assert sorted(path.name[:3] for path in house.glob("*.whl")) == ["a-1", "old"]


def test_nothing_that_this_python_needs(tmp_path: Path) -> None:
    fill(tmp_path, ['a; python_version < "3"'], Target("3.11"), build=no_build, tell=print)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_has_no_wheel_is_built(tmp_path: Path, index: Path) -> None:
    wheel(index, "a", "source-only")
    house = tmp_path / "house"
    house.mkdir()
    asked = []

    def built(requirement: Requirement, folder: Path) -> None:
        asked.append(requirement.name)
        wheel(folder, "source_only")

    fill(house, ["a"], Target("3.11"), build=built, tell=print)
    assert asked == ["source-only"]
    assert len(list(house.glob("*.whl"))) == 2


@pytest.mark.slow
def test_a_built_wheel_may_not_require_an_address(tmp_path: Path, index: Path) -> None:
    """pip would fetch it and run its build on the host."""
    house = tmp_path / "house"
    house.mkdir()

    def built(requirement: Requirement, folder: Path) -> None:
        wheel(folder, "source_only", f"evil @ file://{tmp_path}/evil-1.tar.gz")

    with pytest.raises(BuildFailed, match="addresses are refused"):
        fill(house, ["source-only"], Target("3.11"), build=built, tell=print)


@pytest.mark.slow
def test_what_cannot_be_had_fails_with_the_words_of_pip(tmp_path: Path, index: Path) -> None:
    with pytest.raises(BuildFailed, match="No matching distribution found for nowhere") as failure:
        fill(tmp_path, ["nowhere"], Target("3.11"), build=lambda *_: None, tell=print)
    assert failure.value.step == "dependencies"
