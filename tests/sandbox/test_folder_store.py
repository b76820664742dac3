"""What a hostile build left is put beside the host's own links, and never through them."""

from pathlib import Path

import pytest

from sandbox.api import PathRefused
from sandbox.folder_store import merge


def test_a_file_replaces_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    precious = tmp_path / "python3.11"
    precious.write_text("the host's")
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to(precious)
    (tmp_path / "built/bin").mkdir(parents=True)
    (tmp_path / "built/bin/python").write_text("evil")
    merge(tmp_path / "built", tmp_path / "venv")
    assert precious.read_text() == "the host's"
    assert not (tmp_path / "venv/bin/python").is_symlink()


def test_a_folder_over_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/share").symlink_to(tmp_path / "outside")
    (tmp_path / "built/share").mkdir(parents=True)
    (tmp_path / "built/share/x").write_text("evil")
    with pytest.raises(PathRefused):
        merge(tmp_path / "built", tmp_path / "venv")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_that_the_build_made_is_not_followed_by_its_next_file(tmp_path: Path) -> None:
    (tmp_path / "venv/lib").mkdir(parents=True)
    (tmp_path / "built/lib").mkdir(parents=True)
    (tmp_path / "built/lib/x").symlink_to(tmp_path)
    merge(tmp_path / "built", tmp_path / "venv")
    assert (tmp_path / "venv/lib/x").is_symlink()


@pytest.mark.parametrize("ours", ["file", "folder"])
def test_file_and_folder_do_not_replace_each_other(tmp_path: Path, ours: str) -> None:
    for top, kind in (("venv", ours), ("built", {"file": "folder", "folder": "file"}[ours])):
        (tmp_path / top).mkdir()
        (tmp_path / top / "x").mkdir() if kind == "folder" else (tmp_path / top / "x").touch()
    with pytest.raises(PathRefused):
        merge(tmp_path / "built", tmp_path / "venv")


def test_lib64_is_lib(tmp_path: Path) -> None:
    (tmp_path / "venv/lib").mkdir(parents=True)
    (tmp_path / "venv/lib64").symlink_to("lib")
    (tmp_path / "built/lib64").mkdir(parents=True)
    (tmp_path / "built/lib64/x").touch()
    merge(tmp_path / "built", tmp_path / "venv")
    assert (tmp_path / "venv/lib/x").exists()
