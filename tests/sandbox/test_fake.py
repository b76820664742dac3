"""The double is strict: it answers what its script foresees, and names what it does not."""

import re
from pathlib import Path

import pytest

from sandbox.api import PathRefused, Sandbox, SandboxClosed, SandboxUnavailable
from sandbox.fake import Call, FakeSandbox, ScriptError, Step, done


def test_a_script_is_played_in_its_order() -> None:
    sandbox: Sandbox = FakeSandbox([Step("ls -l 'a b'", done(b"out")), Step(re.compile("^pytest"), done(exit_code=1))])
    assert sandbox.exec(["ls", "-l", "a b"]).stdout == b"out"
    assert sandbox.exec("pytest -q tests").exit_code == 1


def test_a_command_that_is_not_foreseen_is_named() -> None:
    sandbox = FakeSandbox([Step("ls", done())])
    with pytest.raises(ScriptError, match=r"foresees 'ls'.*rm -rf /"):
        sandbox.exec(["rm", "-rf", "/"])
    sandbox.exec("ls")
    with pytest.raises(ScriptError, match=r"run out.*: ls"):
        sandbox.exec("ls")


def test_it_remembers_what_came_and_what_did_not() -> None:
    step = Step("two", done())
    sandbox = FakeSandbox([Step("one", done()), step])
    sandbox.exec("one", cwd="sub", env={"A": "1"}, stdin=b"in", timeout=5.0, attested=True)
    assert sandbox.calls == [Call("one", "sub", {"A": "1"}, b"in", 5.0, True)]
    assert sandbox.left == [step]


def test_a_dead_machine_can_be_played() -> None:
    sandbox = FakeSandbox([Step("ls", SandboxUnavailable("gone"))])
    with pytest.raises(SandboxUnavailable):
        sandbox.exec("ls")


def test_output_is_cut_as_a_machine_cuts_it() -> None:
    result = FakeSandbox([Step("ls", done(b"12345", stderr=b"67"))]).exec("ls", max_output=4)
    assert (result.stdout, result.stderr, result.truncated) == (b"1234", b"67", True)


def test_a_command_may_write_files() -> None:
    sandbox = FakeSandbox([Step("make", done(), files={"out/report.xml": b"<r/>"})], files={"Makefile": b"all:"})
    sandbox.exec("make")
    assert sandbox.read("/work/out/report.xml") == b"<r/>"
    assert sandbox.read("Makefile") == b"all:"


def test_files_fail_as_files_do() -> None:
    sandbox = FakeSandbox(files={"a/b": b"12345"})
    with pytest.raises(FileNotFoundError):
        sandbox.read("c")
    with pytest.raises(IsADirectoryError):
        sandbox.read("a")
    with pytest.raises(IsADirectoryError):
        sandbox.write("a", b"")
    with pytest.raises(NotADirectoryError):
        sandbox.write("a/b/c", b"")
    with pytest.raises(PathRefused):
        sandbox.read("a/b", max_bytes=4)


def test_copies_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "run").write_text("x")
    (tmp_path / "in" / "sub" / "run").chmod(0o755)
    sandbox = FakeSandbox()
    sandbox.copy_in(tmp_path / "in", "top")
    sandbox.copy_out("top", tmp_path / "out")
    sandbox.copy_out("top/sub/run", tmp_path / "file")
    assert (tmp_path / "out" / "sub" / "run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "file").read_text() == "x"
    with pytest.raises(FileNotFoundError):
        sandbox.copy_out("none", tmp_path / "none")
    with pytest.raises(FileExistsError):
        sandbox.copy_out("top", tmp_path / "out")
    with pytest.raises(PathRefused):
        sandbox.copy_out("top", tmp_path / "more", max_bytes=0)
    (tmp_path / "in" / "link").symlink_to("sub")
    with pytest.raises(PathRefused):
        sandbox.copy_in(tmp_path / "in", "again")


def test_a_reset_restores_the_worktree_and_nothing_else() -> None:
    sandbox = FakeSandbox(files={"a": b"1", "b": b"1", ".git/HEAD": b"1", "/tmp/x": b"1"})
    snapshot = sandbox.snapshot()
    for path in ("a", "new", ".git/HEAD", "/tmp/x"):
        sandbox.write(path, b"2")
    sandbox.reset(snapshot)
    assert [sandbox.read(path) for path in ("a", "b", ".git/HEAD", "/tmp/x")] == [b"1", b"1", b"2", b"2"]
    with pytest.raises(FileNotFoundError):
        sandbox.read("new")
    with pytest.raises(KeyError):
        sandbox.reset("none")


def test_after_close_nothing_can_be_done() -> None:
    with FakeSandbox([Step("ls", done())]) as sandbox:
        pass
    sandbox.close()
    for use in (lambda: sandbox.exec("ls"), lambda: sandbox.read("a"), sandbox.snapshot):
        with pytest.raises(SandboxClosed):
            use()
