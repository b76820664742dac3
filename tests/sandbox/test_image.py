"""From recipe to image, without engine and network: keys, caches, wheels, and what a hostile build leaves."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox import open_sandbox
from sandbox.api import BadInput, BuildFailed, Image
from sandbox.base import fitting
from sandbox.cache import Cache
from sandbox.discovery.recipe import Recipe
from sandbox.folder_store import merge
from sandbox.image import build, content_hash, make
from sandbox.wheelhouse import Target

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
