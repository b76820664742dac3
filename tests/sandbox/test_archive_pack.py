"""What is honest survives the way into an archive and back."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import listing, unpacked
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.api import PathRefused
from sandbox.archive import pack, unpack_single
from sandbox.tree import remove_tree

names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]) | st.sampled_from("\n .-\udcff\udc80"),
    min_size=1,
).filter(lambda name: name not in (".", "..") and len(os.fsencode(name)) < 200)
modes = st.integers(0, 0o777)
trees = st.recursive(
    st.binary(max_size=2000).map(lambda data: ("file", data)) | names.map(lambda name: ("link", name)),
    lambda inner: st.dictionaries(names, inner, max_size=5).map(lambda found: ("folder", found)),
    max_leaves=12,
)


def build(path: Path, tree: tuple[str, object], mode: Callable[[], int]) -> None:
    kind, content = tree
    if kind == "file":
        assert isinstance(content, bytes)
        path.write_bytes(content)
        path.chmod(mode() | 0o400)
    elif kind == "link":
        path.symlink_to(str(content))
    else:
        assert isinstance(content, dict)
        path.mkdir()
        for name, inner in content.items():
            build(path / name, inner, mode)
        path.chmod(mode() | 0o700)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_packed_comes_out_the_same(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    top = tmp_path_factory.mktemp("round")
    (top / "a").mkdir()
    (top / "b").mkdir()
    build(top / "a" / "x", data.draw(trees), lambda: data.draw(modes))
    stream = io.BytesIO()
    pack(top / "a" / "x", stream, name="y")
    stream.seek(0)
    unpack_single(stream, top / "b" / "x", max_bytes=1 << 20, max_members=1000)
    assert listing(top / "b") == listing(top / "a")
    remove_tree(top)


def test_pack_leaves_out_what_is_no_data_and_what_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "tree" / ".git").mkdir(parents=True)
    (tmp_path / "tree" / "below" / ".git").mkdir(parents=True)
    (tmp_path / "tree" / "file").touch()
    os.mkfifo(tmp_path / "tree" / "fifo")
    stream = io.BytesIO()
    pack(tmp_path / "tree", stream, name=".", skip=frozenset({b".git"}))
    stream.seek(0)
    assert set(listing(unpacked(stream, tmp_path / "target"))) == {b"file", b"below", b"below/.git"}


def test_pack_keeps_its_limits(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    for name in "abc":
        (tmp_path / "tree" / name).write_bytes(b"1234")
    pack(tmp_path / "tree", io.BytesIO(), name="x", max_bytes=12, max_members=4)
    for limits in ({"max_bytes": 11}, {"max_members": 3}):
        with pytest.raises(PathRefused):
            pack(tmp_path / "tree", io.BytesIO(), name="x", **limits)


def test_pack_writes_the_owner_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    stream = io.BytesIO()
    pack(tmp_path / "file", stream, name="file", uid=7, gid=8)
    stream.seek(0)
    with tarfile.open(fileobj=stream) as made:
        (found,) = made.getmembers()
    assert (found.uid, found.gid, found.uname, found.gname) == (7, 8, "", "")


@pytest.mark.slow
def test_a_tree_deeper_than_a_path_is_refused_and_removed(tmp_path: Path) -> None:
    """Deeper than PATH_MAX and than Python's recursion limit: made by changing into each folder in turn."""
    here = os.open(tmp_path, os.O_RDONLY)
    top = tmp_path / "deep"
    name = "deep"
    for _ in range(1200):
        os.mkdir(name, dir_fd=here)
        below, here = here, os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(below)
        name = "d" * 10
    os.close(here)
    with pytest.raises(PathRefused):
        pack(top, io.BytesIO(), name="x")
    remove_tree(top)
    assert not top.exists()
