"""What only the local backend promises, and what is left of it when its owner is killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

import pytest
from sandbox_conformance import alive, mark, until

from sandbox import open_sandbox
from sandbox.api import BadInput, Image, ImageUnavailable, Limits, Owner, PathRefused, SandboxUnavailable
from sandbox.cgroup import Cgroup
from sandbox.hosttree import remove_left_over
from sandbox.local import LocalSandbox

OWNER_PROGRAM = """
import sys
from sandbox import Image, open_sandbox
with open_sandbox(Image(sys.argv[1], sys.argv[2], "/work")) as sandbox:
    print(sandbox.workdir, flush=True)
    sandbox.exec(f"env -i setsid sleep {sys.argv[3]} & sleep {sys.argv[3]}", timeout=600)
"""


@pytest.fixture
def image(tmp_path: Path) -> Image:
    (tmp_path / "image" / "tree").mkdir(parents=True)
    (tmp_path / "image" / "tree" / "README").write_text("base")
    return Image("local", str(tmp_path / "image"), "/ignored", {"HERE": "{workdir}/src:x"})


def test_the_base_tree_is_copied(image: Image) -> None:
    with LocalSandbox(image) as one, LocalSandbox(image) as two:
        one.write("README", b"changed")
        assert two.read("README") == b"base"
        assert Path(image.ref, "tree", "README").read_text() == "base"
        assert one.workdir != two.workdir
    assert not Path(one.workdir).exists()


def test_the_worktree_is_named_in_the_images_environment(image: Image) -> None:
    with LocalSandbox(image) as sandbox:
        assert sandbox.exec(["printenv", "HERE"]).stdout == f"{sandbox.workdir}/src:x\n".encode()


def test_the_venv_comes_first_on_the_path(image: Image) -> None:
    tool = Path(image.ref, "venv", "bin", "ls")
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho of the venv\n")
    tool.chmod(0o755)
    with LocalSandbox(image) as sandbox:
        assert sandbox.exec(["ls"]).stdout == b"of the venv\n"


def test_the_whole_environment(image: Image) -> None:
    """Made from nothing: nothing of ours is there under any name."""
    with LocalSandbox(image) as sandbox:
        names = {line.split("=")[0] for line in sandbox.exec(["env"]).stdout.decode().splitlines()}
    assert names <= {"PATH", "HOME", "TMPDIR", "HERE", "SOLVE_COMMAND", "LANG", "LC_ALL", "TZ"}


@pytest.mark.parametrize("path", ["/etc/hostname", "../../etc/hostname", "/", "..", "/tmp", "a\0b"])
def test_paths_of_the_host_are_refused(image: Image, path: str) -> None:
    with LocalSandbox(image) as sandbox:
        with pytest.raises(PathRefused):
            sandbox.read(path)
        with pytest.raises(PathRefused):
            sandbox.write(path, b"")


def test_an_image_without_a_tree_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageUnavailable, match="build the image again"):
        LocalSandbox(Image("local", str(tmp_path), "/work"))


def test_an_unknown_kind_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="choose one of docker, bubblewrap, local"):
        open_sandbox(Image("podman", str(tmp_path), "/work"))


def test_a_killed_supervisor_is_the_machines_fault_and_leaves_nothing(image: Image) -> None:
    marked = mark()
    with LocalSandbox(image) as sandbox:
        with pytest.raises(SandboxUnavailable):
            sandbox.exec(f"sleep {marked} & kill -9 $PPID; sleep {marked}")
        until(lambda: alive(marked) == [])


def test_control_c_ends_the_command(image: Image) -> None:
    marked = mark()
    with LocalSandbox(image) as sandbox:
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            with pytest.raises(KeyboardInterrupt):
                sandbox.exec(f"setsid sleep {marked} & sleep {marked}", timeout=300)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert alive(marked) == []
        assert sandbox.exec("echo still here").stdout == b"still here\n"


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", ["local", pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
def test_a_killed_owner_leaves_no_process_and_its_folder_is_found(image: Image, kind: str) -> None:
    marked = mark()
    with subprocess.Popen(
        [sys.executable, "-c", OWNER_PROGRAM, kind, image.ref, marked], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline()
        until(lambda: len(alive(marked)) >= 3)  # the owner, and the two that sleep
        folders = [path.parent for path in Path(gettempdir()).glob("solve-*/labels.json") if owns(path, owner.pid)]
        groups = list(Path("/sys/fs/cgroup").glob(f"**/solve-{owner.pid}-*"))
        assert len(folders) == 1
        assert not set(folders) & set(remove_left_over())
        owner.send_signal(signal.SIGKILL)
    until(lambda: alive(marked) == [])
    remove_left_over()
    assert not any(path.exists() for path in (*folders, *groups))


def owns(label: Path, pid: int) -> bool:
    try:
        return json.loads(label.read_text())["solve.owner"] == str(pid)
    except FileNotFoundError:  # another test's, closed meanwhile
        return False


def test_without_a_group_memory_is_held_for_each_process(image: Image) -> None:
    with LocalSandbox(image, limits=Limits(memory=200 << 20), owner=Owner()) as sandbox:
        group = Cgroup.open(Limits())
        if group is None:
            assert sandbox.exec(["sh", "-c", "ulimit -d"]).stdout == b"204800\n"
        else:
            group.close()
            assert b"solve-" in sandbox.exec(["cat", "/proc/self/cgroup"]).stdout


def groups_of_version_2(top: Path, handed_on: str) -> Path:
    own = top / "user.slice" / "job"
    own.mkdir(parents=True)
    for folder in (top, own.parent, own):
        (folder / "cgroup.controllers").write_text("cpu memory pids")
        (folder / "cgroup.subtree_control").write_text(handed_on)
    (top / "own").write_text("0::/user.slice/job\n")
    return own


def test_a_group_of_version_2_has_every_limit(tmp_path: Path) -> None:
    own = groups_of_version_2(tmp_path, "cpu memory pids")
    group = Cgroup.open(Limits(cpus=1.5, memory=1 << 20, processes=7), tmp_path, tmp_path / "own")
    assert group
    (join,) = map(Path, group.joins)
    assert join.name == "cgroup.procs"
    assert join.parent.parent == own
    found = {name: (join.parent / name).read_text() for name in ("memory.max", "pids.max", "cpu.max")}
    assert found == {"memory.max": "1048576", "pids.max": "7", "cpu.max": "150000 100000"}


def test_no_group_where_there_is_none_to_have(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/\n4:memory:/\n")
    assert Cgroup.open(Limits(), tmp_path / "none", tmp_path / "own") is None
    assert Cgroup.open(Limits(), tmp_path, tmp_path / "missing") is None
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
