"""Checks of reading and writing files."""

import os
from contextlib import suppress

import pytest
from sandbox_conformance import Ground, said

from sandbox.api import MEBIBYTE, PathRefused

ODD_NAMES = (
    "space in it",
    "new\nline",
    "-leading-dash",
    "--",
    "ünïcode ✓",
    "quotes'\"`$(id)",
    "back\\slash",
    "*?[a]",
    "~",
    ".hidden",
    "#",
    "trailing ",
    "a=b",
    "{workdir}",
    "n" * 200,
)
BYTES_NAME = "not-utf8-\udcff\udc80"


def check_what_is_written_is_read_and_seen_by_commands(ground: Ground) -> None:
    name, data = ground.name(), os.urandom(70_000)
    ground.sandbox.write(name, data)
    assert ground.sandbox.read(name) == data
    assert ground.sandbox.exec(["cat", name]).stdout == data
    ground.sandbox.write(name, b"")
    assert ground.sandbox.read(name) == b""


def check_a_written_file_belongs_to_the_commands_user(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(f"{name}/below/file", b"one")
    said(ground.sandbox, f"echo two >{name}/below/file; chmod 600 {name}/below/file; echo >{name}/new; rm {name}/new")
    assert ground.sandbox.read(f"{name}/below/file") == b"two\n"


def check_a_written_file_has_its_mode(ground: Ground) -> None:
    for mode in (0o644, 0o755, 0o600):
        name = ground.name()
        ground.sandbox.write(name, b"#!/bin/sh\necho ran\n", mode=mode)
        assert said(ground.sandbox, ["stat", "-c", "%a", name]) == f"{mode:o}"
    ground.sandbox.write(name, b"", mode=0o755)
    assert said(ground.sandbox, ["stat", "-c", "%a", name]) == "755"


def check_missing_folders_are_made(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(f"{name}/a/b c/d", b"deep")
    assert ground.sandbox.read(f"{name}/a/../a/./b c//d") == b"deep"


def check_absolute_paths_in_the_worktree_and_its_temporary_folder(ground: Ground) -> None:
    tmp = said(ground.sandbox, 'echo "${TMPDIR:-/tmp}"')
    for path in (f"{ground.sandbox.workdir}/{ground.name()}", f"{tmp}/{ground.name()}"):
        ground.sandbox.write(path, path.encode())
        assert ground.sandbox.read(path) == path.encode()
        assert said(ground.sandbox, ["cat", path]) == path


def check_odd_names(ground: Ground) -> None:
    top = ground.name()
    for name in (*ODD_NAMES, BYTES_NAME):
        path = f"{top}/{name}/{name}"
        ground.sandbox.write(path, os.fsencode(name))
        assert ground.sandbox.read(path) == os.fsencode(name)
        assert ground.sandbox.exec(["cat", "--", path]).stdout == os.fsencode(name)
        assert ground.sandbox.exec(["cat", "--", name], cwd=f"{top}/{name}").stdout == os.fsencode(name)
    ground.sandbox.write("-n", b"dash")
    assert ground.sandbox.read("-n") == b"dash"


def check_what_is_missing_is_not_found(ground: Ground) -> None:
    name = ground.name()
    for path in (name, f"{name}/below", f"{ground.sandbox.workdir}/{name}"):
        with pytest.raises(FileNotFoundError):
            ground.sandbox.read(path)


def check_a_folder_is_no_file(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, ["mkdir", name])
    for path in (name, "", ".", ground.sandbox.workdir):
        with pytest.raises((IsADirectoryError, PathRefused)):
            ground.sandbox.read(path)
    with pytest.raises(IsADirectoryError):
        ground.sandbox.read(name)
    with pytest.raises(IsADirectoryError):
        ground.sandbox.write(name, b"")


def check_a_file_is_no_folder(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(name, b"")
    with pytest.raises(NotADirectoryError):
        ground.sandbox.write(f"{name}/below", b"")
    with pytest.raises((NotADirectoryError, FileNotFoundError)):
        ground.sandbox.read(f"{name}/below")


def check_a_fifo_or_device_is_not_read(ground: Ground) -> None:
    name = ground.name()
    said(ground.sandbox, ["mkfifo", name])
    with pytest.raises((PathRefused, FileNotFoundError)):
        ground.sandbox.read(name)


def check_a_file_larger_than_asked_for_is_refused(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(name, bytes(1000))
    assert ground.sandbox.read(name, max_bytes=1000) == bytes(1000)
    with pytest.raises(PathRefused):
        ground.sandbox.read(name, max_bytes=999)
    said(ground.sandbox, f"truncate -s 1G {name}")
    with pytest.raises(PathRefused):
        ground.sandbox.read(name)


def check_a_file_of_50_megabytes(ground: Ground) -> None:
    name, data = ground.name(), os.urandom(MEBIBYTE) * 50
    ground.sandbox.write(name, data)
    assert ground.sandbox.read(name, max_bytes=50 * MEBIBYTE) == data
    said(ground.sandbox, ["rm", name])


def check_links_inside_are_followed(ground: Ground) -> None:
    name = ground.name()
    ground.sandbox.write(f"{name}/real/file", b"one")
    said(ground.sandbox, f'cd {name}; ln -s real link; ln -s ../{name}/link/file to; ln -s "$PWD/real" absolute')
    for path in ("link/file", "to", "absolute/file"):
        assert ground.sandbox.read(f"{name}/{path}") == b"one"
    ground.sandbox.write(f"{name}/link/new", b"two")
    assert ground.sandbox.read(f"{name}/real/new") == b"two"
    said(ground.sandbox, f"ln -s loop {name}/loop")
    with pytest.raises(OSError):
        ground.sandbox.read(f"{name}/loop")


def check_no_link_leads_to_a_file_of_the_host(ground: Ground) -> None:
    """The link is made in the sandbox, the call to follow it comes from the host."""
    secret = ground.folder / "secret"
    secret.write_text("of the host")
    name = ground.name()
    up = "../" * 20
    said(ground.sandbox, f"mkdir {name}; cd {name}; ln -s {secret} file; ln -s {ground.folder} folder")
    said(ground.sandbox, f"cd {name}; ln -s {up.rstrip('/')}{secret} relative; ln -s folder twice")
    for path in ("file", "folder/secret", "relative", "twice/secret", f"folder/../{secret.parent.name}/secret"):
        with pytest.raises((PathRefused, FileNotFoundError)):
            ground.sandbox.read(f"{name}/{path}")
    for path in (str(secret), f"{up}{secret}"):
        with pytest.raises((PathRefused, FileNotFoundError)):
            ground.sandbox.read(path)


def check_nothing_is_written_through_a_link_to_the_host(ground: Ground) -> None:
    secret = ground.folder / "secret"
    secret.write_text("of the host")
    source = ground.folder / "source"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "new").write_text("x")
    name = ground.name()
    said(ground.sandbox, f"mkdir {name}; cd {name}; ln -s {secret} file; ln -s {ground.folder} folder")
    for path in (f"{name}/file", f"{name}/folder/new", f"{'../' * 20}{ground.folder}/new", str(ground.folder / "new")):
        with suppress(PathRefused, OSError):  # it may be written, to a place of that name inside
            ground.sandbox.write(path, b"from the sandbox")
    with suppress(PathRefused, OSError):
        ground.sandbox.copy_in(source, name)
    assert secret.read_text() == "of the host"
    assert {path.name for path in ground.folder.iterdir()} == {"secret", "source"}
