"""The one way the host runs git."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from git_repositories import repository

from sandbox.api import SandboxUnavailable
from sandbox.git import GitFailed, HostGit, persons_setting

TOP = Path(__file__).parents[2]


@pytest.fixture
def git(tmp_path: Path) -> HostGit:
    source = repository(tmp_path / "source", {"a.py": b"a\n"})
    git = HostGit(source / ".git", source)
    assert git("version")  # loads GitPython, which asks the real git for its version, once
    return git


def fake_git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program of that name, first on PATH."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_nothing_of_the_environment_reaches_git_but_what_is_listed(
    git: HostGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_PARAMETERS", "OPENAI_API_KEY", "LD_LIBRARY_PATH", "PAGER"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    fake_git(tmp_path / "bin", "env", monkeypatch)
    seen = dict(line.split("=", 1) for line in os.fsdecode(git("status")).splitlines())
    assert "elsewhere" not in seen.values()
    assert seen["GIT_DIR"] == str(git.git_dir)
    assert seen["HTTPS_PROXY"] == "http://127.0.0.1:3128"
    assert seen["GIT_TERMINAL_PROMPT"] == "0"
    assert "GIT_EXTERNAL_DIFF" not in seen


def test_an_error_is_gits_own_first_complaint(git: HostGit) -> None:
    with pytest.raises(GitFailed, match=r"^git rev-parse: ambiguous argument 'nowhere'[^\n]*$"):
        git("rev-parse", "nowhere")


def test_a_git_that_hangs_is_stopped_with_what_it_started(
    git: HostGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path / "bin", "sleep 30 & sleep 30", monkeypatch)
    started = time.monotonic()
    with pytest.raises(SandboxUnavailable, match=r"git status took longer than 0\.3 s and was stopped"):
        git("status", timeout=0.3)
    with pytest.raises(SandboxUnavailable, match=r"git fetch took longer than 0\.3 s and was stopped"):
        git.watched("fetch", on_line=print, timeout=0.3)
    assert time.monotonic() - started < 10


def test_no_git_at_all(tmp_path: Path) -> None:
    program = "from pathlib import Path; from sandbox.origin import local_origin; local_origin(Path('.'))"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PATH": str(tmp_path)}, cwd=TOP, capture_output=True, text=True
    )
    assert done.stderr.splitlines()[-1] == (
        "sandbox.api.SandboxUnavailable: git was not found on PATH: apt-get install git"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_a_full_disk_is_the_machines_fault(git: HostGit) -> None:
    with pytest.raises(SandboxUnavailable, match="the disk is full"):
        git("archive", "--output=/dev/full", "HEAD")


def test_progress_is_heard_line_by_line(git: HostGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path / "bin", r"printf 'half\rfull\ndone\n' >&2; echo out", monkeypatch)
    heard: list[str] = []
    git.watched("fetch", on_line=heard.append, timeout=5)
    assert [line.strip() for line in heard] == ["half", "full", "done"]


def test_what_a_person_set_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert persons_setting("user.name") == ""
    (tmp_path / ".config" / "git").mkdir(parents=True)
    (tmp_path / ".config" / "git" / "config").write_text("[user]\n\tname = Ada\n")
    (tmp_path / ".gitconfig").write_text("[user]\n\temail = ada@example.org\n")
    assert (persons_setting("user.name"), persons_setting("user.email")) == ("Ada", "ada@example.org")
