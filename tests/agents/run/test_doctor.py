"""What `solve doctor` says of machines that lack things, each made by the environment it is started in."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.run import doctor as doctor_module
from agents.run.doctor import Finding, disk, keys, space

CALL = """
import os, sys
from pathlib import Path
from agents.run.doctor import doctor
repo = Path(sys.argv[1]) if sys.argv[1] else None
sys.exit(doctor(as_json=sys.argv[2] == "json", clean=False, repo=repo, cache=Path("cache"), environment=os.environ))
"""
BARE = {
    "PATH": "/nonexistent",
    "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "https://somebody:hunter2@127.0.0.1:9/simple",
    "GITHUB_TOKEN": "ghp_hunter2",
}


def run(folder: Path, *, repo: Path | str = "", form: str = "json") -> "subprocess.CompletedProcess[str]":
    top = str(Path(doctor_module.__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", CALL, str(repo), form],
        capture_output=True, text=True, check=False, cwd=folder, env={**BARE, "PYTHONPATH": top}, timeout=60,
    )  # fmt: skip


def checks(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in json.loads(done.stdout)["checks"]}


def test_a_machine_that_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    done = run(tmp_path, repo=tmp_path)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["sandboxes"] == []
    found = checks(done)
    for name in ("docker", "bubblewrap", "package index", "git"):
        assert not found[name]["ok"], name
        assert found[name]["mend"], name
    assert found["bubblewrap"]["mend"] == "apt-get install bubblewrap"
    assert "hunter2" not in done.stdout + done.stderr
    assert found["keys"]["found"] == "GITHUB_TOKEN"
    recipe = json.loads(done.stdout)["recipe"]
    assert recipe["test_command"] == "python -m pytest"
    assert {item["source"] for item in recipe["evidence"]} == {"*.py", "default"}


def test_the_table_shows_what_mends_each_lack_and_a_row_for_what_one_file_asks_for(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("six\nattrs\n-e ../evil\n--index-url x\n")
    done = run(tmp_path, repo=tmp_path, form="table")
    assert done.returncode == 3, done.stderr
    assert "→ apt-get install bubblewrap" in done.stdout
    assert "mend docker or bubblewrap first" in done.stdout
    assert re.search(r"requirement +six, attrs\s+from requirements.txt, confidence high; to run it", done.stdout)
    assert len(re.findall("^refused ", done.stdout, re.MULTILINE)) == 2
    assert "hunter2" not in done.stdout


@pytest.mark.docker
def test_a_machine_with_an_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # no test reaches beyond this machine
    status = doctor_module.doctor(as_json=True, clean=True, repo=None, cache=tmp_path, environment={})
    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert "docker" in told["sandboxes"]
    found = {item["name"]: item for item in told["checks"]}
    assert "cgroup v" in found["docker"]["found"]
    assert found["base image"]["ok"]
    assert found["leftovers"]["found"] == "none"


def test_keys_are_told_by_name() -> None:
    assert keys({"OPENAI_API_KEY": "sk-1", "SOLVE_API_KEY": "", "HOME": "/"}) == Finding("keys", True, "OPENAI_API_KEY")


def test_a_folder_that_is_not_there_yet_is_on_some_disk(tmp_path: Path) -> None:
    assert "GiB free" in disk(tmp_path / "not" / "yet").found


def test_a_cache_that_cannot_be_written_is_a_lack(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = disk(tmp_path / "file" / "cache")
    assert (found.ok, found.mend.split("=")[0]) == (False, "export SOLVE_CACHE_DIR")


def test_a_full_disk() -> None:
    found = space("disk", Path("/proc"), "mend it")  # a file system without room
    assert (found.ok, found.mend) == (False, "mend it")
