"""A small project in local sandboxes with the Python that runs the tests: what the fast suite solves things in."""

import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.api import Image

CODE = "def area(width, height):\n    return width + height\n"
TEST = "from shapes import area\n\n\ndef test_unit():\n    assert area(2, 2) == 4\n"
SHOWS = "from shapes import area\n\n\ndef test_area():\n    assert area(2, 3) == 6\n"


def project(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """A tree with one bug that its own test does not see."""
    for name, text in (files or {"shapes.py": CODE, "tests/test_shapes.py": TEST}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def local_image(tree: Path, folder: Path) -> Image:
    """An image of the kind `local` whose environment is the one that runs this test."""
    ref = folder / "image"
    ref.mkdir()
    (ref / "tree").symlink_to(tree)
    (ref / "venv").symlink_to(sys.prefix)
    # Our own environment has many plugins that a run of two tests need not load.
    return Image("local", str(ref), "", {"PYTHONPATH": "{workdir}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
