"""Patches: what the harness makes, plain git applies on the person's repository, to the same tree."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from git_repositories import commit, git, line, repository, write
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox import patch as patches
from sandbox.delivery import apply_to
from sandbox.patch import PatchRejected
from sandbox.workspace import Change, Workspace, open_workspace


def opened(source: Path, folder: Path, revision: str | None = "HEAD") -> Workspace:
    return open_workspace(str(source), revision, folder, tell=lambda text: None)


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    mode: int  # 0o644, 0o755, or 0o777 for a link


NAMES = st.sampled_from(
    [b"a", b"a/b", b"a/b/c.py", b"d.py", b"d\n.py", b"\xff\xfe.bin", b"-x", b"sp ace/t\tab", "ü.py".encode(), b'"q"\\']
)
TEXTS = st.lists(st.sampled_from([b"one\n", b"two\n", b"three\r\n", b"    four\n", b"\xe9\n"]), max_size=40).map(
    b"".join
)
CONTENTS = st.one_of(TEXTS, TEXTS.map(lambda text: text + b"no newline"), st.binary(max_size=60))
FILES = st.one_of(
    st.builds(File, CONTENTS, st.sampled_from([0o644, 0o755])),
    st.builds(File, st.sampled_from([b"keep", b"/etc/passwd", b"../..", b"nowhere"]), st.just(0o777)),
)
TREES = st.dictionaries(NAMES, FILES, max_size=6)


def consistent(tree: dict[bytes, File]) -> dict[bytes, File]:
    """Without files in the way of folders."""
    parents = {b"/".join(path.split(b"/")[:depth]) for path in tree for depth in range(1, path.count(b"/") + 1)}
    return {path: file for path, file in tree.items() if path not in parents}


def plant(folder: Path, tree: dict[bytes, File]) -> None:
    for name, file in tree.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.mode == 0o777:
            path.symlink_to(os.fsdecode(file.content))
        else:
            path.write_bytes(file.content)
            path.chmod(file.mode)


def harvest(folder: Path) -> dict[bytes, File]:
    found = {}
    for path in folder.rglob("*"):
        name = os.fsencode(path.relative_to(folder))
        if name.split(b"/")[0] == b".git" or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink():
            found[name] = File(os.fsencode(path.readlink()), 0o777)
        else:
            found[name] = File(path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)
    return found


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(before={b"a": File(b"keep", 0o777)}, after={b"a/b": File(b"keep", 0o777)}, moved=False)
@given(before=TREES.map(consistent), after=TREES.map(consistent), moved=st.booleans())
@pytest.mark.slow
def test_any_difference_survives_plain_git_apply(
    before: dict[bytes, File], after: dict[bytes, File], moved: bool
) -> None:
    before = {**before, b"keep": File(b"one\ntwo\n" * 20, 0o644)}
    after = {**after, b"moved/keep" if moved else b"keep": File(b"one\ntwo\n" * 20 + b"three\n", 0o755)}
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        plant(top / "source", before)
        source = repository(top / "source", {})
        workspace = opened(source, top / "w")
        assert harvest(workspace.folder) == before
        plant(top / "after", after)
        patch = workspace.patch_from_folder(top / "after")
        apply_by_changes(workspace, workspace.changes(patch), top / "changed")
        assert harvest(top / "changed") == after
        (source / "the.patch").write_bytes(patch)
        if patch:
            git(source, "apply", "--whitespace=nowarn", "the.patch")
        (source / "the.patch").unlink()
        assert harvest(source) == after


def apply_by_changes(workspace: Workspace, changes: tuple[Change, ...], folder: Path) -> None:
    """What a verifier does: the base, and the changes written over it, one after the other."""
    shutil.copytree(workspace.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    for change in changes:
        path = folder / change.path
        if change.content is None:
            path.unlink()
            while not any(path.parent.iterdir()) and path.parent != folder:
                path = path.parent
                path.rmdir()
            continue
        path.unlink(missing_ok=True)
        mode = 0o777 if change.is_link else 0o755 if change.is_executable else 0o644
        plant(folder, {os.fsencode(change.path): File(change.content, mode)})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    files: dict[str | bytes, bytes] = {"a.py": b"one\n" * 9, "run.sh": b"#!/bin/sh\n", ".gitignore": b"build/\n*.log\n"}
    source = repository(tmp_path / "source", {**files, "pkg/kept.log": b"tracked though ignored\n"})
    (source / "run.sh").chmod(0o755)
    commit(source)
    return opened(source, tmp_path / "w")


@pytest.fixture
def contents(workspace: Workspace, tmp_path: Path) -> Path:
    """A folder as it comes out of a sandbox: the tree, and a `.git` that is not to be trusted."""
    shutil.copytree(workspace.folder, tmp_path / "out", symlinks=True)
    return tmp_path / "out"


def paths(workspace: Workspace, patch: bytes) -> list[str]:
    return sorted(change.path for change in workspace.changes(patch))


class TestFromFolder:
    def test_nothing_changed(self, workspace: Workspace, contents: Path) -> None:
        assert workspace.patch_from_folder(contents) == b""
        assert workspace.changes(b"") == ()

    def test_what_the_base_ignores_is_left_out_and_what_it_tracks_is_not(
        self, workspace: Workspace, contents: Path
    ) -> None:
        write(contents, {"build/x.o": b"", "run.log": b"", "pkg/kept.log": b"edited\n", "new.py": b"new\n"})
        assert paths(workspace, workspace.patch_from_folder(contents)) == ["new.py", "pkg/kept.log"]

    def test_new_ignore_rules_hide_nothing(self, workspace: Workspace, contents: Path) -> None:
        write(contents, {".gitignore": b"*\n", "backdoor.py": b"x\n"})
        assert paths(workspace, workspace.patch_from_folder(contents)) == [".gitignore", "backdoor.py"]

    def test_droppings_of_test_runs_are_left_out(self, workspace: Workspace, contents: Path) -> None:
        write(
            contents, {"pkg/__pycache__/a.pyc": b"", ".pytest_cache/v": b"", "x.egg-info/PKG-INFO": b"", "y.pyc": b""}
        )
        assert workspace.patch_from_folder(contents) == b""

    def test_renames_and_modes(self, workspace: Workspace, contents: Path) -> None:
        (contents / "a.py").rename(contents / "b.py")
        (contents / "run.sh").chmod(0o644)
        patch = workspace.patch_from_folder(contents)
        assert b"rename from a.py\nrename to b.py\n" in patch
        assert b"old mode 100755\nnew mode 100644\n" in patch

    def test_attributes_do_not_hide_a_difference(self, workspace: Workspace, contents: Path) -> None:
        write(contents, {".gitattributes": b"*.py -diff text eol=crlf filter=x\n", "a.py": b"two\n"})
        assert b"+two\n" in workspace.patch_from_folder(contents)

    @pytest.mark.parametrize("kind", ["folder", "file", "link"])
    def test_a_dot_git_from_a_sandbox_is_not_opened(
        self, workspace: Workspace, contents: Path, tmp_path: Path, kind: str
    ) -> None:
        """At the top and in a subfolder, where git would take it for a repository of its own and hide the folder."""
        marker = tmp_path / "was-run"
        for place in (contents, contents / "pkg"):
            shutil.rmtree(place / ".git", ignore_errors=True)
            evil = repository(tmp_path / f"evil-{place.name}", {"x": b""})
            with (evil / ".git" / "config").open("a") as config:
                config.write(f"[core]\n\tfsmonitor = touch {marker}\n\tworktree = /\n")
            if kind == "folder":
                shutil.copytree(evil / ".git", place / ".git")
            elif kind == "file":
                (place / ".git").write_text(f"gitdir: {evil}/.git\n")
            else:
                (place / ".git").symlink_to(evil / ".git")
        write(contents, {"pkg/new.py": b"new\n"})
        assert paths(workspace, workspace.patch_from_folder(contents)) == ["pkg/new.py"]
        assert not marker.exists()

    def test_links_are_not_followed(self, workspace: Workspace, contents: Path, tmp_path: Path) -> None:
        write(tmp_path, {"private/key": b"secret\n"})
        (contents / "way").symlink_to(tmp_path / "private")
        (contents / "pkg" / "kept.log").unlink()
        (contents / "pkg").rmdir()
        (contents / "pkg").symlink_to(tmp_path / "private")
        patch = workspace.patch_from_folder(contents)
        assert paths(workspace, patch) == ["pkg", "pkg/kept.log", "way"]
        assert b"secret" not in patch

    def test_pipes_are_passed_over(self, workspace: Workspace, contents: Path) -> None:
        os.mkfifo(contents / "pipe")
        assert workspace.patch_from_folder(contents) == b""

    def test_a_huge_new_file_is_refused(self, workspace: Workspace, contents: Path) -> None:
        with (contents / "core.dump").open("wb") as file:
            file.truncate(patches.MAX_FILE + 1)
        with pytest.raises(PatchRejected, match=r"core\.dump has 33554433 bytes"):
            workspace.patch_from_folder(contents)

    def test_the_base_stays_as_it_is(self, workspace: Workspace, contents: Path) -> None:
        before = line(workspace.folder, "count-objects", "-v"), line(workspace.folder, "status", "--porcelain")
        write(contents, {"new.py": b"new\n"})
        workspace.changes(workspace.patch_from_folder(contents))
        assert (
            line(workspace.folder, "count-objects", "-v"),
            line(workspace.folder, "status", "--porcelain"),
        ) == before

    def test_a_submodules_folder_is_left_alone(self, tmp_path: Path) -> None:
        other = repository(tmp_path / "other", {"lib.py": b""})
        source = repository(tmp_path / "s", {"a.py": b"a\n"})
        git(source, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "lib")
        git(source, "commit", "-qm", "with a submodule")
        workspace = opened(source, tmp_path / "w")
        write(
            tmp_path / "out", {"a.py": b"b\n", "lib/x.py": b"x", ".gitmodules": (source / ".gitmodules").read_bytes()}
        )
        assert paths(workspace, workspace.patch_from_folder(tmp_path / "out")) == ["a.py"]


class TestFromFiles:
    def test_written_and_deleted(self, workspace: Workspace) -> None:
        patch = workspace.patch_from_files({"a.py": None, "new/x.py": b"x\n", "run.sh": b"#!/bin/sh\ntrue\n"})
        assert workspace.changes(patch) == (
            Change("a.py", None, 0),
            Change("new/x.py", b"x\n", 0o100644, is_new=True),
            Change("run.sh", b"#!/bin/sh\ntrue\n", 0o100755),
        )

    def test_a_folder_in_place_of_a_file(self, workspace: Workspace) -> None:
        patch = workspace.patch_from_files({"a.py/b.py": b"b\n"})
        assert [(change.path, change.content) for change in workspace.changes(patch)] == [
            ("a.py", None),
            ("a.py/b.py", b"b\n"),
        ]

    @pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", ".", ".git/config", "pkg/.GIT/x", "a\0b"])
    def test_paths_stay_in_the_tree(self, workspace: Workspace, path: str) -> None:
        with pytest.raises(PatchRejected, match="is not a path within the tree"):
            workspace.patch_from_files({path: b"x"})

    def test_a_file_that_is_also_a_folder(self, workspace: Workspace) -> None:
        with pytest.raises(PatchRejected, match="as a file and as a folder"):
            workspace.patch_from_files({"x": b"", "x/y": b""})


class TestRejected:
    @pytest.mark.parametrize(
        ("patch", "reason"),
        [
            (b"not a patch", "No valid patches"),
            (b"--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-zwei\n+two\n", r"patch failed: a\.py:1"),
            (b"--- /dev/null\n+++ b/.git/hooks/post-commit\n@@ -0,0 +1 @@\n+evil\n", "invalid path"),
            (b"--- /dev/null\n+++ b/../evil\n@@ -0,0 +1 @@\n+evil\n", "invalid path"),
            (b"--- a/gone.py\n+++ b/gone.py\n@@ -1 +1 @@\n-x\n+y\n", "does not exist in index"),
        ],
    )
    def test_it_is_the_patchs_fault(self, workspace: Workspace, patch: bytes, reason: str) -> None:
        with pytest.raises(PatchRejected, match=reason):
            workspace.changes(patch)

    def test_a_file_behind_a_link_that_the_patch_makes(self, workspace: Workspace) -> None:
        patch = (
            b"diff --git a/way b/way\nnew file mode 120000\n--- /dev/null\n+++ b/way\n@@ -0,0 +1 @@\n+/tmp\n"
            b"\\ No newline at end of file\n"
            b"diff --git a/way/evil b/way/evil\nnew file mode 100644\n"
            b"--- /dev/null\n+++ b/way/evil\n@@ -0,0 +1 @@\n+x\n"
        )
        with pytest.raises(PatchRejected, match="beyond a symbolic link"):
            workspace.changes(patch)

    def test_a_submodule(self, workspace: Workspace) -> None:
        patch = (
            b"diff --git a/lib b/lib\nnew file mode 160000\n--- /dev/null\n+++ b/lib\n@@ -0,0 +1 @@\n"
            b"+Subproject commit 0123456789012345678901234567890123456789\n"
        )
        with pytest.raises(PatchRejected, match="moves the submodule lib"):
            workspace.changes(patch)


def test_a_dirty_worktree_with_windows_line_ends_takes_its_patch_back(tmp_path: Path) -> None:
    source = repository(tmp_path / "s", {".gitattributes": b"*.txt text eol=crlf\n", "a.txt": b"one\r\ntwo\r\n"})
    write(source, {"b.txt": b"new\r\n"})
    workspace = opened(source, tmp_path / "w", None)
    patch = workspace.patch_from_files({"a.txt": b"one\r\n2\r\n", "b.txt": b"newer\r\n"})
    apply_to(str(source), patch)
    assert (source / "a.txt").read_bytes() == b"one\r\n2\r\n"
    assert (source / "b.txt").read_bytes() == b"newer\r\n"
