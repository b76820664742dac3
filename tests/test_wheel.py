"""An installed wheel is the whole program: nothing that it reads at run time is left in the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
ROOMS = ("agents", "sandbox", "tasks")


@pytest.mark.slow
def test_a_wheel_holds_what_the_program_reads(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
    ]
    subprocess.run([*command, str(TOP)], check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("solve-*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(tmp_path / "site")], check=True, timeout=60)
    held = set(zipfile.ZipFile(wheel).namelist())
    kept = subprocess.run(["git", "ls-files", *ROOMS], cwd=TOP, check=True, capture_output=True, text=True, timeout=60)
    assert set(kept.stdout.split()) <= held
    here = (
        "import sys; sys.path[0] = sys.argv.pop(1); from agents.models import load; from agents.run.demo import CASES"
    )
    words = f"{here}; print('gpt-5' in load({{}}).model, (CASES / 'boltons-bits-length' / 'case.toml').is_file())"
    found = subprocess.run(
        [sys.executable, "-c", words, str(tmp_path / "site")], cwd=tmp_path, check=True, capture_output=True, timeout=60
    )
    assert found.stdout.split() == [b"True", b"True"]
