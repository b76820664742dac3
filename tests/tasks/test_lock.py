"""A batch goes on only under the conditions that it was begun under."""

from pathlib import Path

import pytest

from sandbox.api import BadInput
from tasks.lock import Lock, digest_files, hold

BEGUN = Lock(
    settings={"run": "1", "gpt": "2"},
    tasks={"a": "3", "b": "4"},
    images={"solve/python:3.9": "sha256:5"},
    prompts={"coder.md.j2": "6"},
    code={"tasks": "7"},
)


def changed(**parts: dict[str, str]) -> Lock:
    return BEGUN.model_copy(update=parts)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (changed(settings={"run": "1", "gpt": "9"}), "settings gpt: was 2, is 9"),
        (changed(tasks={"a": "3"}), "tasks b: was 4, is not there"),
        (changed(tasks={"a": "3", "b": "4", "c": "5"}), "tasks c: was not there, is 5"),
        (changed(images={"solve/python:3.9": "sha256:6"}), "images solve/python:3.9: was sha256:5, is sha256:6"),
        (changed(prompts={}), "prompts coder.md.j2: was 6, is not there"),
        (changed(code={"tasks": "8"}), "code tasks: was 7, is 8"),
    ],
)
def test_other_conditions_are_refused_with_the_difference(tmp_path: Path, now: Lock, said: str) -> None:
    hold(tmp_path, BEGUN)
    with pytest.raises(BadInput, match=said):
        hold(tmp_path, now)


def test_a_run_may_grow_by_a_model_and_leave_one_out(tmp_path: Path) -> None:
    hold(tmp_path, BEGUN)
    hold(tmp_path, changed(settings={"run": "1", "other": "8"}))
    with pytest.raises(BadInput, match="settings other: was 8"):
        hold(tmp_path, changed(settings={"run": "1", "other": "9"}))
    hold(tmp_path, changed(images={}))


def test_a_damaged_lock_is_refused(tmp_path: Path) -> None:
    hold(tmp_path, BEGUN)
    (tmp_path / "lock.json").write_text("{")
    with pytest.raises(BadInput, match="damaged"):
        hold(tmp_path, BEGUN)


def test_files_are_named_by_what_they_hold(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.py").write_text("1")
    first = digest_files(tmp_path, ["**/*.py"])
    (tmp_path / "deep" / "a.py").write_text("2")
    assert list(first) == ["deep/a.py"]
    assert digest_files(tmp_path, ["**/*.py"]) != first
