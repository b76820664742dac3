"""Checks of copying trees in and out, and of putting the worktree back."""

import os
from pathlib import Path

import pytest
from conformance_files import BYTES_NAME, ODD_NAMES
from sandbox_conformance import Ground, said

from sandbox.api import PathRefused


def fill(top: Path) -> None:
    """A tree with what a repository may hold."""
    (top / "sub" / "empty").mkdir(parents=True)
    (top / "sub" / "file").write_bytes(bytes(range(256)))
    (top / "run").write_text("#!/bin/sh\necho ran\n")
    (top / "run").chmod(0o755)
    (top / "link").symlink_to("sub/file")
    (top / "folder-link").symlink_to("sub")
    (top / "dangling").symlink_to("/no/such/place")
    for name in (*ODD_NAMES, BYTES_NAME):
        (top / "odd" / name).mkdir(parents=True)
        (top / "odd" / name / name).write_bytes(os.fsencode(name))


def tree(top: Path) -> dict[str, tuple[object, ...]]:
    """Path → what stands there, without following a link."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(folder, name)
            where = str(path.relative_to(top))
            if path.is_symlink():
                found[where] = ("link", str(path.readlink()))
            elif path.is_dir():
                found[where] = ("folder",)
            else:
                found[where] = ("file", path.stat().st_mode & 0o777, path.read_bytes())
    return found


def check_a_tree_is_the_same_in_and_out(ground: Ground) -> None:
    source, name = ground.folder / "in", ground.name()
    source.mkdir()
    fill(source)
    ground.sandbox.copy_in(source, f"{name}/below")
    assert said(ground.sandbox, [f"./{name}/below/run"]) == "ran"
    assert said(ground.sandbox, ["readlink", f"{name}/below/link"]) == "sub/file"
    ground.sandbox.copy_out(f"{name}/below", ground.folder / "out")
    assert tree(ground.folder / "out") == tree(source)


def check_a_file_is_the_same_in_and_out(ground: Ground) -> None:
    source, name = ground.folder / "in", ground.name()
    source.write_bytes(b"#!/bin/sh\necho ran\n")
    source.chmod(0o755)
    ground.sandbox.copy_in(source, name)
    assert said(ground.sandbox, [f"./{name}"]) == "ran"
    ground.sandbox.copy_out(name, ground.folder / "out")
    assert (ground.folder / "out").read_bytes() == source.read_bytes()
    assert (ground.folder / "out").stat().st_mode & 0o777 == 0o755


def check_copying_in_replaces_files_and_joins_folders(ground: Ground) -> None:
    source, name = ground.folder / "in", ground.name()
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "file").write_text("new")
    ground.sandbox.write(f"{name}/sub/file", b"old")
    ground.sandbox.write(f"{name}/sub/other", b"other")
    ground.sandbox.copy_in(source, name)
    assert ground.sandbox.read(f"{name}/sub/file") == b"new"
    assert ground.sandbox.read(f"{name}/sub/other") == b"other"
    said(ground.sandbox, f"echo changed >{name}/sub/file")


def check_the_whole_worktree_can_be_copied_out(ground: Ground) -> None:
    with ground.open() as sandbox:
        sandbox.write("a/b", b"x")
        for number, path in enumerate((".", sandbox.workdir)):
            sandbox.copy_out(path, ground.folder / str(number))
            assert tree(ground.folder / str(number))["a/b"] == ("file", 0o644, b"x")


def check_copying_out_what_is_missing(ground: Ground) -> None:
    with pytest.raises(FileNotFoundError):
        ground.sandbox.copy_out(ground.name(), ground.folder / "out")
    assert not (ground.folder / "out").exists()


def check_copying_out_onto_what_exists(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(name, b"new")
    (ground.folder / "out").write_text("mine")
    with pytest.raises(FileExistsError):
        ground.sandbox.copy_out(name, ground.folder / "out")
    assert (ground.folder / "out").read_text() == "mine"


def check_copying_out_too_many_bytes(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(f"{name}/a", bytes(600))
    ground.sandbox.write(f"{name}/b", bytes(600))
    said(ground.sandbox, f"truncate -s 100M {name}/sparse")
    with pytest.raises(PathRefused):
        ground.sandbox.copy_out(name, ground.folder / "out", max_bytes=1000)
    assert list(ground.folder.iterdir()) == []
    said(ground.sandbox, f"rm {name}/sparse")
    ground.sandbox.copy_out(name, ground.folder / "out", max_bytes=1200)


def check_copying_out_too_many_members(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, f"mkdir {name}; cd {name}; for i in 1 2 3 4 5 6 7 8 9; do : >$i; done")
    with pytest.raises(PathRefused):
        ground.sandbox.copy_out(name, ground.folder / "out", max_members=9)
    assert list(ground.folder.iterdir()) == []
    ground.sandbox.copy_out(name, ground.folder / "out", max_members=10)


def check_links_copied_out_stay_links(ground: Ground) -> None:
    """Wherever they point; what a name beyond a link would overwrite is not touched."""
    name = ground.name()
    (ground.folder / "host").write_text("mine")
    said(
        ground.sandbox,
        f"mkdir {name}; cd {name}; ln -s ../host up; ln -s /etc/passwd away; ln -s . here; ln a b || :>a",
    )
    ground.sandbox.copy_out(name, ground.folder / "out")
    found = tree(ground.folder / "out")
    assert (found["up"], found["away"], found["here"]) == (("link", "../host"), ("link", "/etc/passwd"), ("link", "."))
    ground.sandbox.copy_out(f"{name}/away", ground.folder / "one")
    assert (ground.folder / "one").readlink() == Path("/etc/passwd")
    assert (ground.folder / "host").read_text() == "mine"


def check_hard_links_copied_out_are_files_of_their_own(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, f"mkdir {name}; cd {name}; echo x >a; ln a b")
    ground.sandbox.copy_out(name, ground.folder / "out")
    (ground.folder / "out" / "a").write_text("changed")
    assert (ground.folder / "out" / "b").read_text() == "x\n"


def check_what_is_no_data_is_left_out(ground: Ground) -> None:
    name = ground.name()
    code = "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
    said(ground.sandbox, f'mkdir {name}; cd {name}; mkfifo fifo; echo x >file; python3 -c "{code}"')
    ground.sandbox.copy_out(name, ground.folder / "out")
    assert set(tree(ground.folder / "out")) == {"file"}


def check_a_setuid_bit_does_not_come_out(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, f"echo x >{name}; chmod 6755 {name}")
    ground.sandbox.copy_out(name, ground.folder / "out")
    assert (ground.folder / "out").stat().st_mode & 0o7777 == 0o755


def check_a_reset_puts_everything_back(ground: Ground) -> None:
    source = ground.folder / "in"
    source.mkdir()
    fill(source)
    with ground.open() as sandbox:
        sandbox.copy_in(source, "top")
        snapshot = sandbox.snapshot()
        said(
            sandbox,
            "cd top; echo changed >sub/file; chmod 600 run; rm link; ln -s elsewhere link; rm -r odd dangling; "
            "mkdir -p new/folder; echo new >new/folder/file; ln -s / new/root; rm folder-link; mkdir folder-link; "
            "mkdir locked; : >locked/file; chmod 0 locked; echo x >../beside; rmdir sub/empty; echo x >sub/empty",
        )
        sandbox.reset(snapshot)
        sandbox.copy_out(".", ground.folder / "out")
        assert tree(ground.folder / "out" / "top") == tree(source)
        assert not (ground.folder / "out" / "beside").exists()
        assert said(sandbox, "pwd -P; echo x >top/sub/file; cat top/sub/file") == f"{sandbox.workdir}\nx"


def check_snapshots_in_any_order_and_again(ground: Ground) -> None:
    with ground.open() as sandbox:
        snapshots = []
        for number in range(3):
            sandbox.write("file", str(number).encode())
            snapshots.append(sandbox.snapshot())
        for number in (1, 2, 0, 0, 2):
            sandbox.reset(snapshots[number])
            assert sandbox.read("file") == str(number).encode()


def check_an_unknown_snapshot_is_a_key_error(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(name, b"kept")
    for snapshot in ("none", "../snapshots", ""):
        with pytest.raises(KeyError):
            ground.sandbox.reset(snapshot)
    assert ground.sandbox.read(name) == b"kept"


def check_a_reset_leaves_git_alone(ground: Ground) -> None:
    """What was committed inside since is neither lost nor the tree's affair; a nested one is content."""
    with ground.open() as sandbox:
        said(sandbox, "mkdir -p .git sub/.git; echo one >.git/HEAD; echo one >sub/.git/HEAD; echo one >file")
        snapshot = sandbox.snapshot()
        said(sandbox, "echo two >.git/HEAD; echo two >sub/.git/HEAD; echo two >file")
        sandbox.reset(snapshot)
        assert said(sandbox, "cat .git/HEAD sub/.git/HEAD file") == "two\none\none"


def check_a_reset_from_a_tree_that_was_removed(ground: Ground) -> None:
    with ground.open() as sandbox:
        sandbox.write("file", b"one")
        snapshot = sandbox.snapshot()
        sandbox.exec("rm -rf ./* .[!.]*; mkdir file; chmod 500 .")
        sandbox.reset(snapshot)
        assert sandbox.read("file") == b"one"
        said(sandbox, "echo x >new")
