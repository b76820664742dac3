"""A suite that runs pytest itself does not have our reporter, or its settings, in its inner runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.testlog import read_report
from sandbox.testrun import REPORTER

OUTER = """
import os, subprocess, sys
import pytest

def test_inline(tmp_path):
    (tmp_path / "test_inner.py").write_text("def test_inner(): assert 0")
    assert pytest.main([str(tmp_path), "-p", "no:cacheprovider"]) == 1

def test_child(tmp_path):
    (tmp_path / "test_inner_too.py").write_text("def test_inner_too(): assert 0")
    assert subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]).returncode == 1

def test_environment():
    assert not {"SOLVE_REPORT", "PYTEST_PLUGINS", "PYTEST_ADDOPTS"} & set(os.environ)
"""


@pytest.mark.slow
def test_inner_runs_are_not_reported(tmp_path: Path) -> None:
    (tmp_path / "test_outer.py").write_text(OUTER)
    report = tmp_path / "report.jsonl"
    env = {
        **os.environ,
        "PYTHONPATH": str(REPORTER.parent),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": REPORTER.stem,
        "PYTEST_ADDOPTS": "--continue-on-collection-errors",
        "SOLVE_REPORT": str(report),
    }
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_outer.py"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    found = read_report(report.read_bytes().splitlines())
    assert done.returncode == 0, done.stdout
    assert found.end == 0
    assert {name.split("::")[1] for name in found.cases} == {"test_inline", "test_child", "test_environment"}
