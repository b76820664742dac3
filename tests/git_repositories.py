"""Repositories for tests, made by plain git as a person would make them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

PERSON = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A Person",
    "GIT_AUTHOR_EMAIL": "person@example.org",
    "GIT_COMMITTER_NAME": "A Person",
    "GIT_COMMITTER_EMAIL": "person@example.org",
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
}


def git(folder: Path, *arguments: str | bytes, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
    """Standard output of git as a person runs it in `folder`; fails the test if git fails."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, input=stdin, capture_output=True, env={**PERSON, **(env or {})}
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout


def line(folder: Path, *arguments: str) -> str:
    return git(folder, *arguments).decode().strip()


def write(folder: Path, files: Mapping[str | bytes, bytes]) -> None:
    for name, content in files.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def commit(folder: Path, message: str = "a change") -> str:
    """Everything in the worktree, as a commit; its full name."""
    git(folder, "add", "--all", "--force", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return line(folder, "rev-parse", "HEAD")


def repository(folder: Path, files: Mapping[str | bytes, bytes]) -> Path:
    """A repository with one commit of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder, files)
    commit(folder, "first")
    return folder


def fingerprint(folder: Path) -> dict[Path, tuple[int, int, bytes]]:
    """Every byte, mode and time below a folder: equal before and after where nothing was touched."""
    return {path: (path.lstat().st_mode, path.lstat().st_mtime_ns, _content(path)) for path in folder.rglob("*")}


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return path.read_bytes() if path.is_file() else b""
