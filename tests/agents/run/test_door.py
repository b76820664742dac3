import errno
import json
import subprocess
import sys
from functools import partial

import pytest
from typer.exceptions import Abort

from agents.run.commands import app
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
        (OSError(errno.EROFS, "Read-only file system", "/cache/x"), 3),
        (Abort(), 130),
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


def test_what_may_not_be_written_is_named_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    raising(PermissionError(errno.EACCES, "Permission denied", "/cache/x"))
    assert capsys.readouterr().err.startswith("solve: /cache/x: Permission denied: allow it, or name folders of yours")


def test_a_build_that_failed_says_the_step_its_last_lines_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    raising(BuildFailed("repository", "in setup.py\nRuntimeError: boom"))
    first, *tail = capsys.readouterr().err.splitlines()
    assert "`repository` failed: RuntimeError: boom: docs/images.md" in first
    assert tail == ["in setup.py", "RuntimeError: boom"]


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


@pytest.mark.parametrize("status", [0, 1, 2, 3, 130])
def test_what_a_command_came_to_is_the_exit_status(status: int) -> None:
    assert at_the_door(lambda: status) == status


def test_who_stops_it_is_told_that_nothing_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    at_the_door(lambda: 130)
    assert capsys.readouterr().err == "solve: stopped; what was found so far is kept\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "--repo"),
        (["run", "--repo", ".", "--issue", "x", "--sandbox", "cloud"], "'docker', 'bubblewrap', 'local'"),
        (["run", "--repo", ".", "--issue", "x", "--budget", "much"], "--budget"),
        (["run", "--aply"], "--apply"),
        (["rnu"], "'run'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_usage_error_is_one_line_and_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert at_the_door(partial(app, arguments, standalone_mode=False), as_json=True) == 2
    out, err = capsys.readouterr()
    assert err.startswith("solve: ")
    assert err.count("\n") == 1
    assert said in err
    assert json.loads(out)["exit_status"] == 2


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert at_the_door(partial(app, [], standalone_mode=False)) == 2
    out, err = capsys.readouterr()
    assert "Commands" in out
    assert err == ""
