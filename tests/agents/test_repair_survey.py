"""Before anything is edited: the tests are run on the base, watched, and what they reach is described."""

from pathlib import Path

import pytest
from repair_search import image, passing, request, searched, surveyed

from agents.repair.inner import CannotRun
from agents.repair.observed import Frame, Head, Imported, Test
from sandbox.local import LocalSandbox


@pytest.mark.slow
def test_an_endless_loop_is_watched_and_mended(tmp_path: Path) -> None:
    module = "def f(n):\n    count = 0\n    while n:\n        n = n // 2 + 1\n        count += 1\n    return count\n"
    tests = "import m\n\ndef test_f():\n    assert m.f(8) == 4\n"
    asked = request("test_f")
    with LocalSandbox(image(tmp_path / "one", {"m.py": module, "test_m.py": tests})) as sandbox:
        rows = surveyed(sandbox, asked)
    [test] = [row for row in rows if isinstance(row, Test)]
    assert test.status == "timeout"
    assert test.lines["m.py"] == [2, 3, 4, 5]
    assert any(isinstance(row, Frame) and row.variables.get("count") == ("int", {}) for row in rows)
    found, _ = passing(tmp_path / "two", module, tests, [("+ 1\n", "+ 2\n"), ("// 2 + 1", "// 2")], asked)
    assert found == [1]


def test_the_base_is_described_test_by_test(tmp_path: Path) -> None:
    module = "class Box:\n    def __init__(self, n):\n        self.n = n\n\n\ndef f(box):\n    return box.n\n"
    tests = (
        "import m\n\ndef test_a():\n    assert m.f(m.Box('x')) == 'y'\n\ndef test_b():\n    assert m.f(m.Box(2)) == 2\n"
        "\ndef test_c():\n    assert [(x for x in ())] == [1]\n\ndef test_d():\n    test_d()\n"
    )
    with LocalSandbox(image(tmp_path, {"m.py": module, "test_m.py": tests})) as sandbox:
        rows = surveyed(sandbox, request("test_a", "test_gone", "test_c", "test_d", guard=["test_m.py::test_b"]))
    [head] = [row for row in rows if isinstance(row, Head)]
    assert head.missing == ["test_m.py::test_gone"]
    by_id = {row.id: row for row in rows if isinstance(row, Test)}
    assert {name: row.status for name, row in by_id.items()} == {
        "test_m.py::test_a": "failed",
        "test_m.py::test_b": "passed",
        "test_m.py::test_c": "failed",
        "test_m.py::test_d": "failed",
    }
    assert all(row.stable for row in by_id.values()), "an address, or where recursion ended, tells no failures apart"
    assert "'x' == 'y'" in by_id["test_m.py::test_a"].message
    assert by_id["test_m.py::test_b"].lines["m.py"] == [3, 7]
    frame = next(row for row in rows if isinstance(row, Frame) and row.name == "f")
    assert frame.variables == {"box": ("Box", {"n": "str"})}


def test_a_command_that_is_no_pytest_says_so(tmp_path: Path) -> None:
    with (
        LocalSandbox(image(tmp_path, {"m.py": "", "test_m.py": ""})) as sandbox,
        pytest.raises(CannotRun, match="did not run as a pytest"),
    ):
        surveyed(sandbox, request("test_a"), "python -m unittest")


def test_nothing_of_ours_is_left_in_the_tree(tmp_path: Path) -> None:
    with LocalSandbox(
        image(
            tmp_path,
            {"m.py": "def f():\n    return 1\n", "test_m.py": "import m\n\ndef test_f():\n    assert m.f() == 2\n"},
        )
    ) as sandbox:
        surveyed(sandbox, request("test_f"))
        left = {path.name for path in Path(sandbox.workdir).iterdir() if not path.name.startswith(".")}
    assert left == {"m.py", "test_m.py"}


@pytest.mark.slow
def test_what_was_made_on_import_is_made_anew(tmp_path: Path) -> None:
    """Swapping the code of a function does not undo what it did before the swap."""
    module = "def made():\n    return 41\n\n\nANSWER = made()\n"
    tests = "import m\n\ndef test_answer():\n    assert m.ANSWER == 42 == m.made()\n"
    asked = request("test_answer")
    with LocalSandbox(image(tmp_path, {"m.py": module, "test_m.py": tests})) as sandbox:
        rows = surveyed(sandbox, asked)
        early = [("m.py", line) for row in rows if isinstance(row, Imported) for line in row.lines["m.py"]]
        found, _ = searched(sandbox, module, [("41", "43"), ("41", "42")], asked, [("m.py", 1)])
    assert ("m.py", 2) in early
    assert found == [1]
