from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from local_site import project

from tasks.neighbourhood import MOST, imports, neighbourhood
from tasks.task import Issue, TestFile

ISSUE = Issue("Wrong area", "see test_named")
OWN = TestFile("tests/test_issue.py", b"from shapes.plane import area\n", "issue")


def near(folder: Path, files: dict[str, str], issue: Issue = ISSUE) -> tuple[str, ...]:
    return neighbourhood(project(folder, files), sorted(files), (OWN,), issue)


def test_files_that_import_the_same_come_first_and_others_not_at_all(tmp_path: Path) -> None:
    files = {
        "tests/test_far.py": "import unrelated\n",
        "tests/test_near.py": "from shapes.plane import area\n",
        "tests/test_room.py": "from shapes.plane import volume\n",
        "shapes/plane.py": "from shapes.plane import area\n",
    }
    assert near(tmp_path, files) == ("tests/test_issue.py", "tests/test_near.py", "tests/test_room.py")


def test_what_the_issue_names_is_near(tmp_path: Path) -> None:
    assert near(tmp_path, {"tests/test_named.py": "x = 1\n"}) == ("tests/test_issue.py", "tests/test_named.py")


def test_it_is_bounded_and_survives_what_is_no_python(tmp_path: Path) -> None:
    files = {
        f"tests/test_{number:03}.py": "import shapes.plane, shapes\nfrom shapes.plane import area\n"
        for number in range(50)
    }
    files["tests/test_broken.py"] = "def (\n"
    assert len(near(tmp_path, files)) == 1 + MOST


@given(st.binary())
def test_any_bytes_are_read(source: bytes) -> None:
    imports(source)
