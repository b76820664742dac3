"""What a person may get wrong with `solve run`: one line on standard error, the exit status of the contract."""

import json
from functools import partial
from pathlib import Path

import pytest
from local_site import project

from agents.run.commands import app
from agents.run.door import at_the_door
from agents.run.options import Options
from sandbox.git import HostGit
from sandbox.workspace import IDENTITY


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    tree = project(tmp_path / "repository")
    git = HostGit(tree / ".git", tree)
    git("init", "--quiet", "--initial-branch=main", str(tree))
    git("add", "--all")
    git("commit", "--quiet", "--message", "first", environment=IDENTITY)
    return tree


def solve(tmp_path: Path, *arguments: str) -> int:
    out = ["--out", str(tmp_path / "run"), "--sandbox", "local"]
    return at_the_door(partial(app, ["run", *arguments, *out], standalone_mode=False))


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line, after the plain progress lines."""
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("solve: ")]
    assert len(lines) == 1
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.parametrize(
    ("issue", "said"),
    [("", "empty"), ("   \n ", "empty"), ("x" * 5_000_000, "1"), ("no/such/file.md", "no/such/file.md")],
    ids=["nothing", "blank", "5 MB", "missing file"],
)
def test_an_issue_that_cannot_be_used(
    issue: str, said: str, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert solve(tmp_path, "--repo", str(repository), "--issue", issue) == 2
    assert said in complaint(capsys)


def test_a_folder_that_is_no_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain").mkdir()
    assert solve(tmp_path, "--repo", str(tmp_path / "plain"), "--issue", "it is wrong") == 2
    assert "git" in complaint(capsys)


def test_a_revision_that_does_not_exist(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert solve(tmp_path, "--repo", str(repository), "--issue", "it is wrong", "--commit", "v9.9") == 2
    assert "v9.9" in complaint(capsys)


def test_a_model_that_nobody_knows(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert solve(tmp_path, "--repo", str(repository), "--issue", "it is wrong", "--model", "gtp-5") == 2
    assert "repair" in complaint(capsys)


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "inf"])
def test_a_budget_that_cannot_be_held(budget: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert solve(tmp_path, "--repo", ".", "--issue", "it is wrong", "--budget", budget) == 2
    assert "--budget" in complaint(capsys)


def test_a_cache_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SOLVE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert solve(tmp_path, "--repo", ".", "--issue", "it is wrong") == 2
    assert "SOLVE_CACHE_DIR" in complaint(capsys)


def test_a_yardstick_that_only_a_benchmark_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert solve(tmp_path, "--repo", ".", "--issue", "it is wrong", "--model", "gold") == 2
    assert "solve bench" in complaint(capsys)


def test_an_out_folder_with_other_things_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    assert solve(tmp_path, "--repo", ".", "--issue", "it is wrong") == 2
    assert "--out" in complaint(capsys)


def test_an_engine_that_is_not_there_is_infrastructure(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    arguments = ["--repo", str(repository), "--issue", "x", "--sandbox", "docker", "--out", str(tmp_path / "r")]
    status = at_the_door(partial(app, ["run", *arguments], standalone_mode=False))
    assert status == 3
    assert "engine" in complaint(capsys)
    assert json.loads((tmp_path / "r" / "verdict.json").read_text())["verdict"] == "infra_error"


def test_what_is_refused_leaves_no_folder(repository: Path, tmp_path: Path) -> None:
    for more in (["--commit", "v9.9"], ["--model", "nobody"]):
        assert solve(tmp_path, "--repo", str(repository), "--issue", "it is wrong", *more) == 2
        assert not (tmp_path / "run").exists()


def test_the_repository_is_never_changed(repository: Path, tmp_path: Path) -> None:
    (repository / "shapes.py").write_text("dirty = True\n")

    def state() -> list[tuple[str, bytes]]:
        files = sorted(path for path in repository.rglob("*") if path.is_file())
        return [(str(path), path.read_bytes()) for path in files]

    before = state()
    solve(tmp_path, "--repo", str(repository), "--issue", "it is wrong", "--model", "nobody")
    assert state() == before


def test_a_reader_of_json_gets_the_error_as_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    command = partial(app, ["run", "--repo", "no/where", "--issue", "x", "--json"], standalone_mode=False)
    assert at_the_door(command, as_json=True) == 2
    row = json.loads(capsys.readouterr().out)
    assert row["exit_status"] == 2
    assert "no/where" in row["error"]


def test_a_login_in_an_address_is_not_kept() -> None:
    options = Options(repo="https://me:secret@example.org/a/b", issue="x")
    assert options.asked()["repo"] == "https://example.org/a/b"
