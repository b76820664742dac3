import errno
import subprocess
import sys

import pytest

from agents.run.door import at_the_door, explain
from sandbox.api import BadInput, BuildFailed, SandboxUnavailable
from sandbox.patch import PatchRejected
from tasks.limits import OverBudget


def raising(error: BaseException) -> int:
    def program() -> None:
        raise error

    return at_the_door(program)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInput("no such revision"), 2),
        (OverBudget("calls"), 1),
        (PatchRejected("does not apply"), 1),
        (SandboxUnavailable("engine gone"), 3),
        (BuildFailed("repository", "error: no compiler"), 3),
        (OSError(errno.ENOSPC, "No space left on device", "/runs/x"), 3),
        (SystemExit(2), 2),
        (SystemExit(0), 0),
        (SystemExit(None), 0),
        (SystemExit(130), 130),
    ],
)
def test_each_error_has_its_exit_status_and_no_traceback(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(error) == status
    assert "Traceback" not in capsys.readouterr().err


def test_bad_input_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    raising(BadInput("no revision abc: near names are abd"))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "solve: no revision abc: near names are abd\n")


def test_a_full_disk_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    raising(OSError(errno.ENOSPC, "No space left on device", "/runs/x"))
    assert "/runs/x" in (line := capsys.readouterr().err)
    assert "free some space" in line


def test_a_fault_of_the_program_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(KeyError("oops")) == 3
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "fault of solve itself" in err


def test_what_is_unknown_has_no_line() -> None:
    assert explain(ZeroDivisionError()) == (3, None)


def test_the_program_starts_from_anywhere(tmp_path: object) -> None:
    """The import names are common ones: the installed program must find ours wherever it is started."""
    program = f"{sys.prefix}/bin/solve"
    done = subprocess.run([program, "--help"], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Turn an issue into a tested patch" in done.stdout


def test_a_usage_error_ends_with_2() -> None:
    done = subprocess.run([f"{sys.prefix}/bin/solve", "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--repo" in done.stderr
