"""Statuses by the dataset's names, whatever the runner calls its tests."""

import pytest

from sandbox.testlog import Status, TestCase
from tasks.harness import Harness, whole_names
from tasks.row import Row
from tasks.specs import harness, hidden_files
from tasks.task import Answer, Issue, Task


def cutting(log: str) -> dict[str, str]:
    """As SWE-bench's parser for pytest: names end at the first space."""
    return {words[1]: words[0] for line in log.splitlines() if len(words := line.split()) > 1}


def cases(*pairs: tuple[str, Status]) -> list[TestCase]:
    return [TestCase(name, status) for name, status in pairs]


def test_structured_names_are_cut_as_the_dataset_cut_them() -> None:
    row = Harness("pytest", (), cutting, structured=True)
    found = cases(("t.py::a[x y]", "passed"), ("t.py::b", "failed"))
    assert row.read(found, ["t.py::a[x", "t.py::a[x y]", "t.py::b", "t.py::c"]) == {
        "t.py::a[x": "passed",
        "t.py::a[x y]": "passed",
        "t.py::b": "failed",
    }


def test_of_tests_that_fall_together_the_worst_counts() -> None:
    row = Harness("pytest", (), cutting, structured=True)
    for order in ((0, 1), (1, 0)):
        found = cases(("t.py::a[x y]", "passed"), ("t.py::a[x z]", "failed"))
        assert row.read([found[place] for place in order], ["t.py::a[x"]) == {"t.py::a[x": "failed"}


def test_an_unexpected_pass_is_no_pass() -> None:
    row = Harness("pytest", (), whole_names, structured=True)
    assert row.read(cases(("t.py::a", "xpassed"), ("t.py::b", "xfailed")), ["t.py::a", "t.py::b"]) == {
        "t.py::b": "xfailed"
    }


def test_a_log_is_read_by_the_parser_alone() -> None:
    row = Harness("bin/test", (), cutting, structured=False)
    assert row.read("PASSED test_a\nSKIPPED test_b\nUNKNOWN test_c", ["test_a", "test_b", "test_c", "test_d"]) == {
        "test_a": "passed",
        "test_b": "skipped",
    }


PATCH = (
    b"diff --git a/tests/test_a.py b/tests/test_a.py\n--- a/tests/test_a.py\n+++ b/tests/test_a.py\n"
    b"diff --git a/tests/data.json b/tests/data.json\nnew file mode 100644\n"
    b"diff --git a/tests/test_gone.py b/tests/test_gone.py\ndeleted file mode 100644\n"
)


@pytest.mark.parametrize(
    ("patch", "failing", "files"),
    [
        (PATCH, (), ("tests/test_a.py",)),
        (
            b"",
            ("tests/test_x.py::a", "tests/test_x.py::b", "tests/test_y.py::c"),
            ("tests/test_x.py", "tests/test_y.py"),
        ),
    ],
)
def test_the_tests_are_those_of_the_hidden_patch(
    patch: bytes, failing: tuple[str, ...], files: tuple[str, ...]
) -> None:
    assert hidden_files(Answer(b"", patch, failing, ()), "org/calc") == files


def test_django_is_told_modules() -> None:
    patch = b"diff --git a/tests/forms_tests/test_a.py b/tests/forms_tests/test_a.py\n"
    assert hidden_files(Answer(b"", patch, (), ()), "django/django") == ("forms_tests.test_a",)


@pytest.mark.parametrize(
    ("command", "structured"), [("pytest -rA", True), ("tox -epy39 --", True), ("bin/test -C", False)]
)
def test_only_pytest_is_read_test_by_test(command: str, structured: bool) -> None:
    row = Row(Task("x", "org/calc", "", Issue("", "")), Answer(b"", PATCH, (), ()))
    found = harness(row, command)
    assert found.structured == structured
    assert found.command.endswith(command)
    assert ("TOX_OVERRIDE" in found.command) == command.startswith("tox")
