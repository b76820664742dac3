"""What steers the tests is found whatever shape a patch gives it, and code under repair is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.protected import protected, touched, without


@pytest.mark.parametrize(
    "path",
    [
        "conftest.py",
        "tests/unit/conftest.py",
        "pytest.ini",
        "tox.ini",
        "setup.cfg",
        "pyproject.toml",
        "sitecustomize.py",
        "src/evil.pth",
        "pkg/__pycache__/core.cpython-311.pyc",
        "core.pyc",
        "evil.egg-info/entry_points.txt",
        "evil-1.0.dist-info/entry_points.txt",
        ".git/hooks/post-checkout",
        "sympy/testing/runtests.py",
    ],
)
def test_what_steers_a_run_is_protected(path: str) -> None:
    assert protected(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/_pytest/mark/evaluate.py",
        "setup.py",
        "docs/conftest.rst",
        "pkg/pytest_ini.py",
        "README",
        "",
        "tests/test_a.py",
    ],
)
def test_code_a_fix_mends_is_not_protected(path: str) -> None:
    assert not protected(path)


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        (
            b"diff --git a/conftest.py b/conftest.py\nnew file mode 100644\nindex 000..e69\n",
            "conftest.py",
        ),  # empty file
        (b"--- a/setup.cfg\t2020-01-01\n+++ b/setup.cfg\t2020-01-02\n@@ -1 +1 @@\n-a\n+b\n", "setup.cfg"),
        (
            b"diff --git a/x.py b/conftest.py\nsimilarity index 100%\nrename from x.py\nrename to conftest.py\n",
            "conftest.py",
        ),
        (
            b"diff --git a/x.py b/t/conftest.py\nsimilarity index 100%\ncopy from x.py\ncopy to t/conftest.py\n",
            "t/conftest.py",
        ),
        (
            b"diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/conftest.py\n@@ -1 +1 @@\n-a\n+b\n",
            "conftest.py",
        ),  # headers disagree
        (b"Index: a/tox.ini\n===\n@@ -1 +1 @@\n-a\n+b\n", "tox.ini"),  # `patch` reads this one, git does not
        (b'diff --git "a/\\303\\274/conftest.py" "b/\\303\\274/conftest.py"\nnew file mode 100644\n', "ü/conftest.py"),
        (b"diff --git a/a b/conftest.py b/a b/conftest.py\nnew file mode 100644\n", "a b/conftest.py"),
        (b"--- a/./conftest.py\r\n+++ b//conftest.py\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", "conftest.py"),
    ],
)
def test_a_protected_path_is_found_in_every_shape_of_header(patch: bytes, path: str) -> None:
    assert set(filter(protected, touched(patch))) == {path}


def test_both_sides_of_a_rename_are_touched() -> None:
    patch = b"diff --git a/conftest.py b/spare.py\nsimilarity index 100%\nrename from conftest.py\nrename to spare.py\n"
    assert touched(patch) == {"conftest.py", "spare.py"}


def test_the_name_of_no_file_is_not_a_path() -> None:
    assert touched(b"--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+a\n") == {"a.py"}


@given(
    st.lists(
        st.text("abc.é ", min_size=1).filter(lambda part: part.strip(" .") and part == part.strip()),
        min_size=1,
        max_size=4,
    )
)
def test_every_path_in_a_plain_header_comes_back(parts: list[str]) -> None:
    path = "/".join(parts)
    assert path in touched(f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n".encode())


@given(st.binary(max_size=400))
def test_no_patch_breaks_the_reading(patch: bytes) -> None:
    assert all(path and not path.startswith("/") for path in touched(b"diff --git " + patch))


CODE = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n keep\n--- a/conftest.py\n+new\n"
CONFIG = b"diff --git a/conftest.py b/conftest.py\n--- a/conftest.py\n+++ b/conftest.py\n@@ -1 +1 @@\n-a\n+b\n"
PLAIN = b"--- a/setup.cfg\n+++ b/setup.cfg\n@@ -1 +1 @@\n-a\n+b\n"  # no `diff --git` line before it
EMPTY_FILE = b"diff --git a/evil.pth b/evil.pth\nnew file mode 100644\nindex 0000000..e69de29\n"


@pytest.mark.parametrize(
    "order", [(CONFIG, CODE), (CODE, CONFIG), (CODE, PLAIN, CONFIG), (EMPTY_FILE, CODE), (PLAIN, CODE)]
)
def test_only_the_parts_that_steer_are_left_out(order: tuple[bytes, ...]) -> None:
    kept, dropped = without(b"".join(order), protected)
    assert kept == CODE
    assert len(dropped) == len(order) - 1


def test_a_line_of_a_hunk_is_no_header() -> None:
    assert touched(CODE) == {"a.py"}


def test_a_part_with_one_unwanted_name_goes_whole() -> None:
    lying = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/conftest.py\n@@ -1 +1 @@\n-a\n+b\n"
    assert without(lying, protected) == (b"", ("conftest.py",))


@given(st.lists(st.sampled_from([CODE, CONFIG, PLAIN, EMPTY_FILE]), max_size=5))
def test_leaving_nothing_out_changes_nothing(parts: list[bytes]) -> None:
    assert without(b"".join(parts), lambda path: False) == (b"".join(parts), ())
