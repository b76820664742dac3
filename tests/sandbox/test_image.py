"""From recipe to image, without engine and network: keys, caches, wheels, and what a hostile build leaves."""

import os
import threading
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sandbox import open_sandbox
from sandbox.api import BadInput, BuildFailed, Image, PathRefused
from sandbox.base import fitting, host_base
from sandbox.cache import Cache
from sandbox.discovery.recipe import Recipe
from sandbox.folder_store import merge
from sandbox.image import build, content_hash, make
from sandbox.wheelhouse import Target, fill, missing

PYTHON = """#!/bin/sh
# Stands for the Python of an image: `-m pip ... install --prefix P` leaves one file, as an editable install does.
echo "$*" >>"$(dirname "$0")/../../asked"
[ -n "$FAILS" ] && { echo "no compiler"; exit 1; }
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/lib" build thing.egg-info && echo installed >"$2/lib/thing.pth" && echo 1 >_version.py
"""


@dataclass
class Shelf:
    """A store that keeps images in folders of a test, and opens them as local sandboxes."""

    folder: Path
    target: Target = field(default_factory=lambda: Target("3.11", container=False))
    system: str = "shelf"
    finished: list[str] = field(default_factory=list)

    def turn(self, key: str) -> AbstractContextManager[None]:
        return Cache(self.folder / "turns").turn(key)

    def find(self, key: str) -> Image | None:
        return Image("local", str(self.folder / key), "/work") if key in self.finished else None

    def dependencies(self, key: str, name: str, wheels: Callable[[], Path]) -> Image:
        python = self.folder / key / "venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(PYTHON)
        python.chmod(0o755)
        (self.folder / key / "tree").mkdir()
        return Image("local", str(self.folder / key), "/work")

    def finish(self, key: str, base: Image, tree: Path, installed: Path) -> Image:
        (self.folder / key / "tree").rmdir()
        tree.rename(self.folder / key / "tree")
        merge(installed, self.folder / key / "venv")
        self.finished.append(key)
        return base

    def discard(self, key: str) -> None:
        (self.folder / "discarded").touch()


RECIPE = Recipe("python", backend="setuptools.build_meta", roots=("src",))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "repository"
    (top / "src").mkdir(parents=True)
    (top / "src" / "thing.py").write_text("A = 1\n")
    (top / ".git").mkdir()
    (top / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return top


def made(tree: Path, shelf: Shelf, recipe: Recipe = RECIPE) -> Image:
    shelf.folder.mkdir(exist_ok=True)
    return make(tree, recipe, shelf, cache=shelf.folder / "cache", open_sandbox=open_sandbox, tell=lambda _: None)


def test_a_repository_is_built_once(tree: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    image = made(tree, shelf)
    assert made(tree, shelf) == image
    assert len(shelf.finished) == 1
    asked = (Path(image.ref) / "asked").read_text()
    assert asked.count("\n") == 1
    assert all(word in asked for word in ("--no-index", "--no-deps", "--no-build-isolation", "--editable"))


def test_the_image_holds_the_tree_and_what_its_build_made(tree: Path, tmp_path: Path) -> None:
    image = made(tree, Shelf(tmp_path / "shelf"))
    inside = Path(image.ref)
    assert (inside / "venv/lib/thing.pth").read_text() == "installed\n"
    assert sorted(path.name for path in (inside / "tree").iterdir()) == [".git", "_version.py", "src"]
    assert sorted(path.name for path in tree.iterdir()) == [".git", "src"]  # ours is as it was
    assert dict(image.env) == {"PYTHONPATH": "{workdir}/src"}


def test_another_tree_or_recipe_is_another_image(tree: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    made(tree, shelf)
    (tree / "src" / "thing.py").write_text("A = 2\n")
    made(tree, shelf)
    made(tree, shelf, Recipe("python", backend="flit_core.buildapi", roots=("src",)))
    assert len(set(shelf.finished)) == 3


def test_without_a_back_end_nothing_is_run(tree: Path, tmp_path: Path) -> None:
    image = made(tree, Shelf(tmp_path / "shelf"), Recipe("python"))
    assert not (Path(image.ref) / "asked").exists()
    assert (Path(image.ref) / "tree/src/thing.py").exists()
    assert dict(image.env) == {"PYTHONPATH": "{workdir}"}


def test_a_failed_build_names_its_step_and_last_lines_and_is_not_kept(tree: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    with pytest.raises(BuildFailed) as failure:
        made(tree, shelf, Recipe("python", backend="setuptools.build_meta", build_env={"FAILS": "1"}))
    assert (failure.value.step, failure.value.tail) == ("repository", "no compiler")
    assert (shelf.folder / "discarded").exists()
    assert shelf.finished == []


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda top: (top / "src/thing.py").write_text("A = 2\n"), True),
        (lambda top: (top / "src/thing.py").chmod(0o755), True),
        (lambda top: (top / "src/thing.py").rename(top / "src/other.py"), True),
        (lambda top: (top / "src/link").symlink_to("thing.py"), True),
        (lambda top: (top / "empty").mkdir(), True),
        (lambda top: (top / ".git/HEAD").write_text("other"), False),
        (lambda top: os.utime(top / "src/thing.py", (1, 1)), False),
    ],
)
def test_what_counts_as_another_tree(tree: Path, change: Callable[[Path], object], counts: bool) -> None:
    before = content_hash(tree)
    change(tree)
    assert (content_hash(tree) != before) is counts


def test_names_that_are_no_text_are_hashed_too(tree: Path) -> None:
    before = content_hash(tree)
    Path(os.fsdecode(os.fsencode(tree) + b"/\xff\n")).touch()
    assert content_hash(tree) != before


def test_no_such_kind(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="docker, bubblewrap or local"):
        build(tree, RECIPE, "chroot", cache=tmp_path, tell=print)
    with pytest.raises(BadInput, match="leave it out"):
        build(tree, RECIPE, "local", cache=tmp_path, tell=print, base="debian")


class TestMerge:
    """What a hostile build left is put beside the host's own links, and never through them."""

    def test_a_file_replaces_a_link_and_not_what_it_points_to(self, tmp_path: Path) -> None:
        precious = tmp_path / "python3.11"
        precious.write_text("the host's")
        (tmp_path / "venv/bin").mkdir(parents=True)
        (tmp_path / "venv/bin/python").symlink_to(precious)
        (tmp_path / "built/bin").mkdir(parents=True)
        (tmp_path / "built/bin/python").write_text("evil")
        merge(tmp_path / "built", tmp_path / "venv")
        assert precious.read_text() == "the host's"
        assert not (tmp_path / "venv/bin/python").is_symlink()

    def test_a_folder_over_a_link_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (tmp_path / "venv").mkdir()
        (tmp_path / "venv/share").symlink_to(tmp_path / "outside")
        (tmp_path / "built/share").mkdir(parents=True)
        (tmp_path / "built/share/x").write_text("evil")
        with pytest.raises(PathRefused):
            merge(tmp_path / "built", tmp_path / "venv")
        assert list((tmp_path / "outside").iterdir()) == []

    def test_a_link_that_the_build_made_is_not_followed_by_its_next_file(self, tmp_path: Path) -> None:
        (tmp_path / "venv/lib").mkdir(parents=True)
        (tmp_path / "built/lib").mkdir(parents=True)
        (tmp_path / "built/lib/x").symlink_to(tmp_path)
        merge(tmp_path / "built", tmp_path / "venv")
        assert (tmp_path / "venv/lib/x").is_symlink()

    @pytest.mark.parametrize("ours", ["file", "folder"])
    def test_file_and_folder_do_not_replace_each_other(self, tmp_path: Path, ours: str) -> None:
        for top, kind in (("venv", ours), ("built", {"file": "folder", "folder": "file"}[ours])):
            (tmp_path / top).mkdir()
            (tmp_path / top / "x").mkdir() if kind == "folder" else (tmp_path / top / "x").touch()
        with pytest.raises(PathRefused):
            merge(tmp_path / "built", tmp_path / "venv")

    def test_lib64_is_lib(self, tmp_path: Path) -> None:
        (tmp_path / "venv/lib").mkdir(parents=True)
        (tmp_path / "venv/lib64").symlink_to("lib")
        (tmp_path / "built/lib64").mkdir(parents=True)
        (tmp_path / "built/lib64/x").touch()
        merge(tmp_path / "built", tmp_path / "venv")
        assert (tmp_path / "venv/lib/x").exists()


class TestCache:
    def test_an_entry_counts_once_it_is_finished(self, tmp_path: Path) -> None:
        cache = Cache(tmp_path)
        (cache.begin("k") / "half").touch()
        assert cache.find("k") is None
        assert list(cache.begin("k").iterdir()) == []
        cache.finish("k")
        assert cache.find("k") == tmp_path / "k"
        cache.remove("k")
        assert cache.find("k") is None

    def test_two_take_turns(self, tmp_path: Path) -> None:
        cache, order = Cache(tmp_path), []
        waits = threading.Event()

        def second() -> None:
            waits.set()
            with cache.turn("k"):
                order.append("second")

        with cache.turn("k"):
            thread = threading.Thread(target=second)
            thread.start()
            waits.wait()
            thread.join(0.2)
            order.append("first")
        thread.join()
        assert order == ["first", "second"]

    def test_the_longest_unused_goes_but_not_while_it_is_worked_on(self, tmp_path: Path) -> None:
        cache = Cache(tmp_path)
        for age, key in enumerate(("new", "busy", "old")):
            cache.begin(key)
            cache.finish(key)
            os.utime(tmp_path / f"{key}.done", (1000 - age, 1000 - age))
        with cache.turn("busy"):
            assert cache.prune(1) == ["old"]
        assert cache.keys() == ["busy", "new"]


def wheel(folder: Path, name: str, *requires: str, python: str = "py3-none-any") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    with zipfile.ZipFile(folder / f"{name}-1.0-{python}.whl", "w") as archive:
        archive.writestr(
            f"{name}-1.0.dist-info/METADATA", metadata + "".join(f"Requires-Dist: {r}\n" for r in requires)
        )
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {python}\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")


class TestWheels:
    def test_what_a_set_of_wheels_lacks(self, tmp_path: Path) -> None:
        wheel(tmp_path, "a", "b[fast]>=1", 'old; python_version < "3.10"', 'x; sys_platform == "win32"')
        wheel(tmp_path, "b", 'speed; extra == "fast"', 'lazy; extra == "slow"')
        wanted = [Requirement("a")]
        for python, expected in (("3.11", {"speed"}), ("3.9", {"speed", "old"})):
            lacking = missing(tmp_path, wanted, Target(python).environment())
            assert {item.name for item in lacking} == expected

    def test_a_file_that_is_no_wheel(self, tmp_path: Path) -> None:
        (tmp_path / "a-1.0-py3-none-any.whl").write_text("no zip")
        with pytest.raises(BuildFailed, match="not a wheel"):
            missing(tmp_path, [Requirement("a")], {})

    def test_for_this_very_python_pip_chooses_by_itself(self) -> None:
        own = host_base("").python
        assert Target(own, container=False).options() == []
        assert "manylinux_2_17_x86_64" in Target(own, "x86_64").options()
        assert "cp39" in Target("3.9", container=False).options()

    @pytest.fixture
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The only place that pip looks at."""
        folder = tmp_path / "index"
        folder.mkdir()
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        return folder

    @pytest.mark.slow
    def test_one_wheel_for_each_and_none_of_the_project_itself(self, tmp_path: Path, index: Path) -> None:
        """pip leaves out `old`, by the marker of its own Python; the target needs it."""
        wheel(index, "a", 'old; python_version < "3.9"', "own")
        wheel(index, "old")
        wheel(index, "own")
        house = tmp_path / "house"
        house.mkdir()
        fill(house, ["a", 'no; python_version > "3.8"'], Target("3.8"), own="own", build=no_build, tell=print)
        assert sorted(path.name[:3] for path in house.glob("*.whl")) == ["a-1", "old"]

    def test_nothing_that_this_python_needs(self, tmp_path: Path) -> None:
        fill(tmp_path, ['a; python_version < "3"'], Target("3.11"), build=no_build, tell=print)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.slow
    def test_what_has_no_wheel_is_built(self, tmp_path: Path, index: Path) -> None:
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
    def test_a_built_wheel_may_not_require_an_address(self, tmp_path: Path, index: Path) -> None:
        """pip would fetch it and run its build on the host."""
        house = tmp_path / "house"
        house.mkdir()

        def built(requirement: Requirement, folder: Path) -> None:
            wheel(folder, "source_only", f"evil @ file://{tmp_path}/evil-1.tar.gz")

        with pytest.raises(BuildFailed, match="addresses are refused"):
            fill(house, ["source-only"], Target("3.11"), build=built, tell=print)

    @pytest.mark.slow
    def test_what_cannot_be_had_fails_with_the_words_of_pip(self, tmp_path: Path, index: Path) -> None:
        with pytest.raises(BuildFailed, match="No matching distribution found for nowhere") as failure:
            fill(tmp_path, ["nowhere"], Target("3.11"), build=lambda *_: None, tell=print)
        assert failure.value.step == "dependencies"


def no_build(requirement: Requirement, folder: Path) -> None:
    raise AssertionError(f"{requirement} has a wheel")


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("", ["3.11", "3.9"]),
        (">=3.11.4", ["3.11"]),
        ("<3.11", ["3.9"]),
        ("==3.9.*", ["3.9"]),
        ("<=3.9", ["3.9"]),
        (">=4", []),
        ("rubbish", ["3.11", "3.9"]),
    ],
)
def test_versions_that_fit(specifier: str, expected: list[str]) -> None:
    assert fitting(specifier, ("3.11", "3.9")) == expected
