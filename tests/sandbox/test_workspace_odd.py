"""Trees that trip up tools, and repositories that try to make the host run something."""

import os
import stat
from pathlib import Path

import pytest
from git_repositories import commit, fingerprint, git, line, repository, write

from sandbox.api import BadInput
from sandbox.delivery import apply_to, branch
from sandbox.workspace import Workspace, open_workspace

REVISIONS = pytest.mark.parametrize("revision", [None, "HEAD"], ids=["worktree", "commit"])


def opened(source: Path, folder: Path, revision: str | None = None) -> Workspace:
    return open_workspace(str(source), revision, folder, tell=lambda text: None)


class TestContentIsByteExact:
    @REVISIONS
    def test_line_ends_and_filters_and_export_rules_change_nothing(self, tmp_path: Path, revision: str | None) -> None:
        files: dict[str | bytes, bytes] = {"crlf.txt": b"a\r\nb\r\n", "mixed.txt": b"a\r\nb\n", "hidden.txt": b"here\n"}
        files |= {"version.py": b"$Format:%H$ $Id$\n", "utf16.txt": "a\n".encode("utf-16")}
        source = repository(tmp_path / "s", files)
        rules = b"*.txt text=auto eol=lf filter=shout\nhidden.txt export-ignore\nversion.py export-subst ident\n"
        write(source, {".gitattributes": rules + b"utf16.txt working-tree-encoding=UTF-16\n"})
        git(source, "-c", "core.autocrlf=false", "add", ".gitattributes")
        git(source, "commit", "-qm", "rules")
        workspace = opened(source, tmp_path / "w", revision)
        assert {name: (workspace.folder / str(name)).read_bytes() for name in files} == files
        assert workspace.base_commit == line(source, "rev-parse", "HEAD")

    @REVISIONS
    def test_modes_links_and_names(self, tmp_path: Path, revision: str | None) -> None:
        names = [
            b"new\nline.py",
            b"latin-\xe9.py",
            b"-rf",
            b":(glob)x",
            b'quo"te\\',
            "ünï.py".encode(),
            b"deep/" * 60 + b"x",
        ]
        source = repository(tmp_path / "s", {name: name for name in names})
        write(source, {"run.sh": b"#!/bin/sh\n"})
        (source / "run.sh").chmod(0o755)
        (source / "inside").symlink_to("run.sh")
        commit(source)
        workspace = opened(source, tmp_path / "w", revision)
        assert {os.fsencode(path) for path in workspace.paths} == {*names, b"run.sh", b"inside"}
        assert stat.S_IMODE((workspace.folder / "run.sh").stat().st_mode) & 0o111
        assert (workspace.folder / "inside").readlink() == Path("run.sh")
        assert workspace.notes == ()

    def test_special_files_are_passed_over(self, tmp_path: Path) -> None:
        source = repository(tmp_path / "s", {"a.py": b""})
        os.mkfifo(source / "pipe")
        assert opened(source, tmp_path / "w").paths == {"a.py"}


class TestWhatIsNotWhatItSeems:
    @REVISIONS
    def test_links_out_of_the_tree(self, tmp_path: Path, revision: str | None) -> None:
        source = repository(tmp_path / "s", {"a/x.py": b""})
        (source / "a" / "abs").symlink_to("/etc/passwd")
        (source / "a" / "up").symlink_to("../../outside")
        (source / "a" / "fine").symlink_to("../a/x.py")
        commit(source)
        workspace = opened(source, tmp_path / "w", revision)
        assert workspace.notes == ("link out of the tree, never followed on the host: a/abs, a/up",)
        assert (workspace.folder / "a" / "abs").readlink() == Path("/etc/passwd")

    @REVISIONS
    def test_submodules(self, tmp_path: Path, revision: str | None) -> None:
        other = repository(tmp_path / "other", {"lib.py": b"its own\n"})
        source = repository(tmp_path / "s", {"a.py": b""})
        git(source, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "lib")
        git(source, "commit", "-qm", "with a submodule")
        workspace = opened(source, tmp_path / "w", revision)
        assert workspace.notes == ("submodule, content not fetched: lib",)
        assert workspace.paths == {"a.py", ".gitmodules"}
        assert workspace.tree == line(source, "rev-parse", "HEAD^{tree}")

    def test_a_repository_within_that_is_not_tracked(self, tmp_path: Path) -> None:
        source = repository(tmp_path / "s", {"a.py": b""})
        repository(source / "vendored", {"b.py": b""})
        workspace = opened(source, tmp_path / "w")
        assert workspace.notes == ("left out, a repository of its own: vendored/",)
        assert workspace.paths == {"a.py"}

    def test_large_file_pointers(self, tmp_path: Path) -> None:
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
        source = repository(tmp_path / "s", {"model.bin": pointer, ".gitattributes": b"*.bin filter=lfs -text\n"})
        assert opened(source, tmp_path / "w").notes == ("Git LFS pointer, content not fetched: model.bin",)

    def test_a_shallow_clone_a_bare_one_and_one_that_borrows_objects(self, tmp_path: Path) -> None:
        source = repository(tmp_path / "s", {"a.py": b"1\n"})
        write(source, {"a.py": b"2\n"})
        head = commit(source)
        for name, options in (("shallow", ("--depth=1",)), ("bare", ("--bare",)), ("shared", ("--shared",))):
            git(tmp_path, "clone", "--quiet", *options, f"file://{source}", name)
            assert opened(tmp_path / name, tmp_path / f"w-{name}").base_commit == head

    def test_sha256(self, tmp_path: Path) -> None:
        (tmp_path / "s").mkdir()
        git(tmp_path / "s", "init", "--quiet", "--object-format=sha256")
        source = repository(tmp_path / "s", {"a.py": b""})
        workspace = opened(source, tmp_path / "w", "HEAD")
        assert len(workspace.tree) == 64
        assert [change.path for change in workspace.changes(workspace.patch_from_files({"b.py": b"b\n"}))] == ["b.py"]


class TestHostileRepository:
    def test_a_path_named_dot_git_is_refused(self, tmp_path: Path) -> None:
        source = repository(tmp_path / "s", {"a.py": b""})
        blob = git(source, "hash-object", "-w", "--stdin", stdin=b"[core]\n").decode().strip()
        inner = git(source, "mktree", stdin=f"100644 blob {blob}\tconfig\n".encode()).decode().strip()
        outer = git(source, "mktree", stdin=f"040000 tree {inner}\t.git\n".encode()).decode().strip()
        evil = line(source, "commit-tree", outer, "-m", "evil")
        with pytest.raises(BadInput, match="cannot be checked out here"):
            opened(source, tmp_path / "w", evil)

    @pytest.fixture
    def trap(self, tmp_path: Path) -> tuple[Path, Path]:
        """A repository of another owner whose every setting that can run something touches a file."""
        marker = tmp_path / "was-run"
        source = repository(tmp_path / "s", {"a.py": b"a\n", "b.txt": b"b\n"})
        program = tmp_path / "trap"
        program.write_text(f"#!/bin/sh\necho $0 $@ >> {marker}\ncat\n")
        program.chmod(0o755)
        included = (
            f"[core]\n\tfsmonitor = {program}\n\tsshCommand = {program}\n\tpager = {program}\n\teditor = {program}\n"
        )
        write(source, {".git/evil": included.encode(), ".gitattributes": b"* filter=x diff=x merge=x\n"})
        for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction", "post-commit"):
            (source / ".git" / "hooks").mkdir(exist_ok=True)
            (source / ".git" / "hooks" / name).symlink_to(program)
        settings = (
            "[include]\n\tpath = evil\n"
            f'[filter "x"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n'
            f'[diff]\n\texternal = {program}\n[diff "x"]\n\ttextconv = {program}\n\tcommand = {program}\n'
            f'[merge "x"]\n\tdriver = {program}\n[gpg]\n\tprogram = {program}\n[commit]\n\tgpgSign = true\n'
            f"[credential]\n\thelper = !{program}\n[core]\n\talternateRefsCommand = {program}\n"
            f"[uploadpack]\n\tpackObjectsHook = {program}\n[alias]\n\tapply = !{program}\n"
            f"[core]\n\tworktree = {tmp_path}\n"
            f'[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\tpromisor = true\n\turl = ext::{program}\n'
        )
        with (source / ".git" / "config").open("a") as config:
            config.write(settings)
        for path in [source, *source.rglob("*")]:
            os.chown(path, 12345, 12345, follow_symlinks=False)
        return source, marker

    @pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another owner")
    def test_nothing_of_it_is_run(self, trap: tuple[Path, Path], tmp_path: Path) -> None:
        source, marker = trap
        write(source, {"a.py": b"edited\n"})
        before = fingerprint(source)
        for number, revision in enumerate((None, "HEAD")):
            workspace = opened(source, tmp_path / f"w{number}", revision)
            patch = workspace.patch_from_files({"b.txt": b"mended\n"})
            workspace.changes(patch)
        with pytest.raises(BadInput):
            opened(source, tmp_path / "w", "nowhere")
        assert fingerprint(source) == before
        branch(str(source), "mended", patch, "mended")
        apply_to(str(source), patch)
        assert (source / "b.txt").read_bytes() == b"mended\n"
        assert not marker.exists(), marker.read_text()

    @pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another owner")
    def test_the_trap_works(self, trap: tuple[Path, Path]) -> None:
        """Plain git falls into it: the test above can fail."""
        source, marker = trap
        with pytest.raises(AssertionError):
            git(source, "-c", "safe.directory=*", "--work-tree", str(source), "status")
        assert marker.exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another owner")
    def test_missing_objects_are_not_fetched_by_its_own_command(self, trap: tuple[Path, Path], tmp_path: Path) -> None:
        source, marker = trap
        blob = "a.py"
        name = line(opened(source, tmp_path / "w", "HEAD").folder, "rev-parse", f"HEAD:{blob}")
        (source / ".git" / "objects" / name[:2] / name[2:]).unlink()
        with pytest.raises(BadInput, match="lacks objects"):
            opened(source, tmp_path / "w2", "HEAD")
        assert not marker.exists()
