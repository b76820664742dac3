"""What may be edited."""

from pathlib import Path

import pytest

from agents.repair.files import editable, read


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_a.py",
        "pkg/test/data.py",
        "test_a.py",
        "pkg/a_test.py",
        "conftest.py",
        "src/pkg/tests/deep/helper.py",
        "python_testcases/node.py",
        "a.txt",
        "/etc/a.py",
        "../a.py",
    ],
)
def test_tests_and_what_lies_outside_are_not_edited(path: str) -> None:
    assert not editable(path)


@pytest.mark.parametrize("path", ["a.py", "src/pkg/latest.py", "pkg/contest.py", "pkg/testimony/a.py", "pkg/attest.py"])
def test_programs_are_edited(path: str) -> None:
    assert editable(path)


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "outside.py").write_text("x = 1\n")
    (tree / "link.py").symlink_to(tmp_path / "outside.py")
    (tree / "mine.py").write_text("x = 1\n")
    assert list(read(tree, ["link.py", "mine.py", "missing.py"])) == ["mine.py"]


def test_what_is_no_python_of_ours_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nx = '\xe9'\n")
    (tmp_path / "deep.py").write_text("x = " + "(" * 500 + ")" * 500 + "\n")
    assert read(tmp_path, ["broken.py", "latin.py", "deep.py"]) == {}
