"""A Harbor (Terminal-Bench) task folder → a row: `task.toml`, `instruction.md`, `tests/`, perhaps `environment/`.

Such a task is judged by its own `tests/test.sh`, which leaves a reward: one test by the name `reward`.
"""

import hashlib
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.api import BadInput
from tasks.row import Row, Setup
from tasks.task import Answer, Issue, Task

REWARD = "reward"


class _Environment(BaseModel):
    model_config = ConfigDict(extra="ignore")

    docker_image: str = ""


class _Task(BaseModel):
    model_config = ConfigDict(extra="ignore")

    environment: _Environment = _Environment()


def harbor_folders(path: Path) -> list[Path]:
    """The task folders at `path`: itself, or those right below it; none if it is something else."""
    if (path / "task.toml").is_file():
        return [path]
    return sorted(found.parent for found in path.glob("*/task.toml")) if path.is_dir() else []


def read_harbor(folder: Path) -> Row:
    """One task folder.

    Raises:
        BadInput: a part of it is missing or cannot be read.
    """
    try:
        settings = _Task.model_validate(tomllib.loads((folder / "task.toml").read_text("utf-8")))
        instruction = (folder / "instruction.md").read_text("utf-8")
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as problem:
        raise BadInput(f"{folder} is no Harbor task: {str(problem).splitlines()[0]}") from None
    if not (folder / "tests" / "test.sh").is_file():
        raise BadInput(f"{folder} is no Harbor task: tests/test.sh is missing")
    title, _, body = instruction.partition("\n")
    return Row(
        Task(folder.name, folder.name, "", Issue(title, body, source="benchmark")),
        Answer(b"", b"", (REWARD,), ()),
        Setup(_digest(folder), image=settings.environment.docker_image, folder=folder),
    )


def _digest(folder: Path) -> str:
    """Of every file's name and content: a task that was edited is another version of it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
