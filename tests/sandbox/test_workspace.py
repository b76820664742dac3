"""The solver's tree: exactly the base, and nothing before or after it."""

import os
from pathlib import Path

import pytest
from git_repositories import commit, fingerprint, git, line, repository, write

from sandbox.api import BadInput
from sandbox.workspace import Workspace, open_workspace


def opened(source: Path, folder: Path, revision: str | None = None) -> Workspace:
    return open_workspace(str(source), revision, folder, tell=lambda text: None)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A repository with a past, a present (tag `v1`) and a future."""
    source = repository(tmp_path / "source", {"a.py": b"past\n", "gone.py": b"only in the past\n"})
    (source / "gone.py").unlink()
    write(source, {"a.py": b"present\n", "pkg/b.py": b"b\n"})
    commit(source, "present")
    git(source, "tag", "v1")
    write(source, {"a.py": b"the fix\n", "tests/test_fix.py": b"the answer\n"})
    commit(source, "the fix")
    git(source, "tag", "-a", "v2", "-m", "released")
    git(source, "branch", "future")
    return source


def objects(folder: Path) -> set[str]:
    listed = git(folder, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return set(listed.decode().split())


class TestTheFutureDoesNotExist:
    def test_only_the_base_tree_and_one_commit_are_there(self, history: Path, tmp_path: Path) -> None:
        workspace = opened(history, tmp_path / "w", "v1")
        reachable = line(history, "rev-list", "--objects", "--no-object-names", "v1^{tree}").split()
        assert objects(workspace.folder) == {*reachable, line(workspace.folder, "rev-parse", "HEAD")}
        assert line(workspace.folder, "rev-list", "--all", "--count") == "1"

    def test_no_ref_reflog_tag_or_remote_is_left(self, history: Path, tmp_path: Path) -> None:
        workspace = opened(history, tmp_path / "w", "v1")
        assert line(workspace.folder, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
        assert not (workspace.folder / ".git" / "logs").exists()
        assert not (workspace.folder / ".git" / "objects" / "info" / "alternates").exists()
        assert line(workspace.folder, "remote") == ""
        assert str(history) not in (workspace.folder / ".git" / "config").read_text()

    def test_the_tree_is_the_commits_own(self, history: Path, tmp_path: Path) -> None:
        workspace = opened(history, tmp_path / "w", "v1")
        assert workspace.tree == line(history, "rev-parse", "v1^{tree}")
        assert workspace.base_commit == line(history, "rev-parse", "v1")
        assert workspace.paths == {"a.py", "pkg/b.py"}
        assert (workspace.folder / "a.py").read_bytes() == b"present\n"
        assert line(workspace.folder, "status", "--porcelain") == ""

    def test_equal_trees_give_equal_commits(self, history: Path, tmp_path: Path) -> None:
        first, second = opened(history, tmp_path / "1", "v1"), opened(history, tmp_path / "2", "v1")
        assert line(first.folder, "rev-parse", "HEAD") == line(second.folder, "rev-parse", "HEAD")

    def test_dirty_content_of_the_past_is_not_copied_along(self, history: Path, tmp_path: Path) -> None:
        """The objects of a dirty tree come partly from the repository: only those it uses."""
        write(history, {"a.py": b"edited\n"})
        workspace = opened(history, tmp_path / "w")
        fix = line(history, "rev-parse", "HEAD:a.py")
        assert fix not in objects(workspace.folder)
        assert (workspace.folder / "a.py").read_bytes() == b"edited\n"


class TestDirtyWorktree:
    def test_it_is_taken_as_it_stands(self, history: Path, tmp_path: Path) -> None:
        write(history, {"a.py": b"edited\n", "new.py": b"new\n", ".gitignore": b"*.log\n", "x.log": b"noise"})
        (history / "pkg" / "b.py").unlink()
        workspace = opened(history, tmp_path / "w")
        assert workspace.paths == {"a.py", "new.py", ".gitignore", "tests/test_fix.py"}
        assert workspace.base_commit == f"dirty:{workspace.tree}"

    def test_a_clean_one_is_its_commit(self, history: Path, tmp_path: Path) -> None:
        assert opened(history, tmp_path / "w").base_commit == line(history, "rev-parse", "HEAD")

    def test_the_repository_is_not_touched(self, history: Path, tmp_path: Path) -> None:
        write(history, {"a.py": b"edited\n", "new.py": b"new\n"})
        git(history, "add", "a.py")
        os.utime(history / "pkg" / "b.py")  # a stale index entry, which `git status` would refresh
        before = fingerprint(history)
        opened(history, tmp_path / "w")
        assert fingerprint(history) == before

    def test_secrets_stay_behind_and_are_named(self, tmp_path: Path) -> None:
        source = repository(tmp_path / "s", {".env": b"T=1", ".env.example": b"T=", "tests/cert.pem": b"fixture"})
        write(source, {"conf/.env.local": b"T=2", "server.pem": b"key", "id_rsa": b"key", "a.py": b""})
        workspace = opened(source, tmp_path / "w")
        assert workspace.paths == {".env.example", "tests/cert.pem", "a.py"}
        (told,) = workspace.notes
        assert told.startswith("left out, may hold secrets")
        assert told.endswith(": .env, conf/.env.local, id_rsa and 1 more")
        assert b"T=2" not in b"".join(content for _, _, content in fingerprint(workspace.folder).values())

    def test_what_the_person_ignores_everywhere_is_ignored(
        self, history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, {"home/.gitconfig": b"[core]\n\texcludesFile = ~/mine\n", "home/mine": b"private.txt\n"})
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        write(history, {"private.txt": b"mine", ".git/info/exclude": b"local.txt\n", "local.txt": b""})
        assert opened(history, tmp_path / "w").paths == {"a.py", "pkg/b.py", "tests/test_fix.py"}

    def test_no_commit_yet(self, tmp_path: Path) -> None:
        (tmp_path / "s").mkdir()
        git(tmp_path / "s", "init", "--quiet")
        write(tmp_path / "s", {"a.py": b"a\n"})
        workspace = opened(tmp_path / "s", tmp_path / "w")
        assert workspace.paths == {"a.py"}
        assert workspace.base_commit.startswith("dirty:")

    def test_a_file_behind_a_new_link_is_gone_not_read(self, tmp_path: Path) -> None:
        """`data/key` is tracked; `data` now links to a folder of the person's that also holds a `key`."""
        source = repository(tmp_path / "s", {"data/key": b"tracked", "a.py": b""})
        write(tmp_path, {"private/key": b"stolen"})
        (source / "data" / "key").unlink()
        (source / "data").rmdir()
        (source / "data").symlink_to(tmp_path / "private")
        workspace = opened(source, tmp_path / "w")
        assert workspace.paths == {"a.py", "data"}
        assert workspace.notes == ("link out of the tree, never followed on the host: data",)

    def test_files_left_out_by_a_sparse_checkout_are_there(self, history: Path, tmp_path: Path) -> None:
        git(history, "sparse-checkout", "set", "--cone", "pkg")
        assert not (history / "tests").exists()
        assert "tests/test_fix.py" in opened(history, tmp_path / "w").paths

    def test_a_linked_worktree(self, history: Path, tmp_path: Path) -> None:
        git(history, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "v1")
        write(tmp_path / "linked", {"a.py": b"edited there\n"})
        workspace = opened(tmp_path / "linked", tmp_path / "w")
        assert (workspace.folder / "a.py").read_bytes() == b"edited there\n"

    def test_an_unfinished_merge(self, history: Path, tmp_path: Path) -> None:
        git(history, "checkout", "--quiet", "-b", "other", "v1")
        write(history, {"a.py": b"another fix\n"})
        commit(history)
        with pytest.raises(AssertionError, match=r"^$"):
            git(history, "merge", "future")
        assert b"<<<<<<<" in (opened(history, tmp_path / "w").folder / "a.py").read_bytes()


class TestBadInput:
    def test_no_repository(self, tmp_path: Path) -> None:
        (tmp_path / "plain").mkdir()
        with pytest.raises(BadInput, match="is not a git repository: make it one"):
            opened(tmp_path / "plain", tmp_path / "w")

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="missing does not exist"):
            opened(tmp_path / "missing", tmp_path / "w")
        (tmp_path / "file").write_text("")
        with pytest.raises(BadInput, match="is not a folder"):
            opened(tmp_path / "file", tmp_path / "w")

    def test_a_folder_inside_a_repository(self, history: Path, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match=f"give --repo {history}$"):
            opened(history / "pkg", tmp_path / "w")

    def test_an_unknown_revision_names_near_ones(self, history: Path, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match=r"no revision 'futur'; there is future"):
            opened(history, tmp_path / "w", "futur")

    def test_an_ambiguous_abbreviation(self, tmp_path: Path) -> None:
        source = repository(tmp_path / "s", {"a.py": b""})
        prefix = line(source, "rev-parse", "HEAD")[:4]
        with pytest.raises(BadInput, match="no revision 'ffffffffff'"):
            opened(source, tmp_path / "w", "ffffffffff")
        assert opened(source, tmp_path / "w", prefix + line(source, "rev-parse", "HEAD")[4:8]).paths == {"a.py"}

    @pytest.mark.parametrize("revision", ["--output=/tmp/x", "", " "])
    def test_no_revision_at_all(self, history: Path, tmp_path: Path, revision: str) -> None:
        with pytest.raises(BadInput, match="is not a revision"):
            opened(history, tmp_path / "w", revision)

    def test_nothing_in_it(self, tmp_path: Path) -> None:
        for name, bare in (("empty", ()), ("bare", ("--bare",))):
            (tmp_path / name).mkdir()
            git(tmp_path / name, "init", "--quiet", *bare)
        with pytest.raises(BadInput, match="holds no files"):
            opened(tmp_path / "empty", tmp_path / "w")
        with pytest.raises(BadInput, match="no commit at HEAD"):
            opened(tmp_path / "bare", tmp_path / "w")

    def test_a_commit_without_its_objects(self, history: Path, tmp_path: Path) -> None:
        blob = line(history, "rev-parse", "v1:pkg/b.py")
        (history / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
        with pytest.raises(BadInput, match="lacks objects"):
            opened(history, tmp_path / "w", "v1")
