"""Where a row is graded whose environment its repository's own files say, on a real engine."""

from pathlib import Path

import pytest
from docker_image import engine
from git_repositories import line, repository

from sandbox.docker import DockerSandbox
from sandbox.testrun import run_tests
from tasks.environment import place
from tasks.image_settings import Settings
from tasks.row import Row
from tasks.task import Answer, Issue, Task

pytestmark = pytest.mark.docker

# Of the days when pytest read this section: now it refuses to start, and says why.
FILES = {"setup.cfg": b"[pytest]\naddopts = -q\n", "test_old.py": b"def test_old():\n    pass\n"}


def test_a_row_is_graded_by_the_command_that_was_found_to_work(tmp_path: Path) -> None:
    mirror = repository(tmp_path / "mirrors" / "org" / "old.git", FILES)
    task = Task("org__old-g0123456789ab", "org/old", line(mirror, "rev-parse", "HEAD"), Issue("old", ""))
    row = Row(task, Answer(b"", b"", ("test_old.py::test_old",), ()))
    found = place(row, Settings("solve/none:{python}", tmp_path / "mirrors", tmp_path / "cache", None))
    with DockerSandbox(found.image) as sandbox:
        report = run_tests(sandbox, found.harness.command, timeout=60)
    with engine() as client:
        client.images.remove(found.image.ref, force=True)
    assert report.ids("passed") == {"test_old.py::test_old"}, found.harness.command
