"""Handing a patch over to the person's own repository."""

from pathlib import Path

import pytest
from git_repositories import fingerprint, git, line, repository, write

from sandbox.api import BadInput
from sandbox.delivery import apply_to, branch, check_apply, check_branch
from sandbox.patch import PatchRejected
from sandbox.workspace import open_workspace


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return repository(tmp_path / "source", {"a.py": b"one\n", "b.py": b"two\n"})


@pytest.fixture
def patch(source: Path, tmp_path: Path) -> bytes:
    workspace = open_workspace(str(source), "HEAD", tmp_path / "w", tell=lambda text: None)
    return workspace.patch_from_files({"a.py": b"mended\n", "b.py": None, "c.bin": b"\0\xff"})


class TestApply:
    def test_to_the_worktree_and_not_the_index(self, source: Path, patch: bytes) -> None:
        index = (source / ".git" / "index").read_bytes()
        apply_to(str(source), patch)
        assert (source / "a.py").read_bytes() == b"mended\n"
        assert (source / "c.bin").read_bytes() == b"\0\xff"
        assert not (source / "b.py").exists()
        assert (source / ".git" / "index").read_bytes() == index

    def test_all_or_nothing(self, source: Path, patch: bytes) -> None:
        write(source, {"b.py": b"edited since\n"})
        before = fingerprint(source)
        with pytest.raises(PatchRejected, match=r"does not fit .* as it is now: patch failed: b\.py:1"):
            apply_to(str(source), patch)
        assert fingerprint(source) == before

    def test_an_empty_patch_changes_nothing(self, source: Path) -> None:
        before = fingerprint(source)
        apply_to(str(source), b"")
        assert fingerprint(source) == before

    def test_a_bare_repository_has_no_worktree(self, source: Path, tmp_path: Path, patch: bytes) -> None:
        git(tmp_path, "clone", "--quiet", "--bare", str(source), "bare")
        with pytest.raises(BadInput, match="no worktree to apply to: use --branch"):
            apply_to(str(tmp_path / "bare"), patch)


class TestBranch:
    def test_a_commit_without_touching_the_worktree(self, source: Path, patch: bytes) -> None:
        write(source, {"a.py": b"being edited\n"})
        index, head = (source / ".git" / "index").read_bytes(), line(source, "rev-parse", "HEAD")
        made = branch(str(source), "solve/7", patch, "Mend it\n\nverified")
        assert line(source, "rev-parse", "solve/7", "solve/7^") == f"{made}\n{head}"
        assert line(source, "ls-tree", "--name-only", "solve/7").split() == ["a.py", "c.bin"]
        assert line(source, "log", "-1", "--format=%B", "solve/7") == "Mend it\n\nverified"
        assert (source / "a.py").read_bytes() == b"being edited\n"
        assert line(source, "symbolic-ref", "HEAD") == "refs/heads/main"
        assert (source / ".git" / "index").read_bytes() == index

    def test_it_is_the_persons_commit(
        self, source: Path, patch: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, {"home/.gitconfig": b"[user]\n\tname = Ada\n\temail = ada@example.org\n"})
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        branch(str(source), "mine", patch, "m")
        assert line(source, "log", "-1", "--format=%an <%ae>", "mine") == "Ada <ada@example.org>"

    def test_packed_references_and_a_linked_worktree(self, source: Path, patch: bytes, tmp_path: Path) -> None:
        git(source, "pack-refs", "--all")
        git(source, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
        branch(str(tmp_path / "linked"), "mended", patch, "m")
        assert line(source, "ls-tree", "--name-only", "mended").split() == ["a.py", "c.bin"]

    @pytest.mark.parametrize("name", ["main", "a..b", "-d", ""])
    def test_a_name_that_cannot_be(self, source: Path, patch: bytes, name: str) -> None:
        refs = line(source, "for-each-ref")
        with pytest.raises(BadInput, match=r"already has a branch main|is not a name for a branch"):
            branch(str(source), name, patch, "m")
        assert line(source, "for-each-ref") == refs

    def test_a_patch_that_does_not_fit_makes_no_branch(self, source: Path) -> None:
        with pytest.raises(PatchRejected):
            branch(str(source), "mended", b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n", "m")
        assert line(source, "branch", "--list", "mended") == ""


class TestAskedBeforehand:
    """What cannot be handed over is told before hours of work, not after."""

    def test_a_branch_that_can_be_made(self, source: Path) -> None:
        check_branch(str(source), "solve/7", line(source, "rev-parse", "HEAD"))
        check_apply(str(source))

    @pytest.mark.parametrize(("name", "said"), [("a..b", "not a name for a branch"), ("main", "already has a branch")])
    def test_a_name_that_cannot_be_used(self, source: Path, name: str, said: str) -> None:
        with pytest.raises(BadInput, match=said):
            check_branch(str(source), name, line(source, "rev-parse", "HEAD"))

    def test_changes_that_no_commit_has(self, source: Path, tmp_path: Path) -> None:
        write(source, {"a.py": b"being edited\n"})
        base = open_workspace(str(source), None, tmp_path / "w", tell=lambda text: None).base_commit
        with pytest.raises(BadInput, match="commit them first, or solve the commit alone with --commit HEAD"):
            check_branch(str(source), "solve/7", base)

    def test_nowhere_to_apply_to(self, source: Path, tmp_path: Path) -> None:
        git(tmp_path, "clone", "--quiet", "--bare", str(source), "bare")
        with pytest.raises(BadInput, match="no worktree to apply to"):
            check_apply(str(tmp_path / "bare"))
