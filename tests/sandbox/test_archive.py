"""What comes out of a sandbox stays where it is put, and what is honest survives the way there and back."""

import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.api import PathRefused
from sandbox.archive import pack, unpack, unpack_single
from sandbox.tree import MAX_DEPTH, remove_tree

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", link: str = "", mode: int = 0o644) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, len(data), link, mode
    return info, data


def link(name: str, destination: str) -> Member:
    return member(name, tarfile.SYMTYPE, link=destination)


def folder(name: str, mode: int = 0o755) -> Member:
    return member(name, tarfile.DIRTYPE, mode=mode)


def archive(*members: Member, form: int = tarfile.PAX_FORMAT) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as out:
        for info, data in members:
            out.addfile(info, io.BytesIO(data))
    stream.seek(0)
    return stream


def unpacked(stream: io.BytesIO, target: Path, max_bytes: int = 1 << 20, max_members: int = 1000) -> Path:
    unpack(stream, target, max_bytes=max_bytes, max_members=max_members)
    return target


def entries(top: Path) -> list[str]:
    return sorted(path.name for path in top.iterdir())


def listing(top: Path) -> dict[bytes, tuple[str, int, bytes]]:
    """Everything below `top`: kind, mode, and content or link target; no link is followed."""
    found: dict[bytes, tuple[str, int, bytes]] = {}
    waiting = [os.fsencode(top)]
    while waiting:
        for entry in os.scandir(waiting.pop()):
            name = os.path.relpath(entry.path, os.fsencode(top))
            mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
            if entry.is_symlink():
                found[name] = ("link", 0, os.readlink(entry.path))  # noqa: PTH115 (bytes)
            elif entry.is_dir(follow_symlinks=False):
                found[name] = ("folder", mode, b"")
                waiting.append(entry.path)
            else:
                found[name] = ("file", mode, Path(os.fsdecode(entry.path)).read_bytes())
    return found


HOSTILE = {
    "absolute": [member("/etc/evil", data=b"x")],
    "parent": [member("a/../../evil", data=b"x")],
    "parent as folder": [folder("..")],
    "through a link": [link("a", "/"), member("a/evil", data=b"x")],
    "link over a folder": [folder("a"), link("a", "/"), member("a/evil", data=b"x")],
    "link over the target": [link(".", "/"), member("evil", data=b"x")],
    "link over a parent made in passing": [member("a/b", data=b"x"), link("a", "/")],
    "file, then link, same name": [member("a", data=b"x"), link("a", "/etc/passwd")],
    "link, then file, same name": [link("a", "evil"), member("a", data=b"x")],
    "link, then folder, same name": [link("a", "/"), folder("a")],
    "link, then hard link to it": [link("a", "/etc/passwd"), member("b", tarfile.LNKTYPE, link="a")],
    "hard link to the host": [member("b", tarfile.LNKTYPE, link="/etc/passwd")],
    "hard link to a parent": [member("b", tarfile.LNKTYPE, link="../secret")],
    "hard link to nothing": [member("b", tarfile.LNKTYPE, link="nothing")],
    "hard link through a link": [link("a", "/etc"), member("b", tarfile.LNKTYPE, link="a/passwd")],
    "file below a file": [member("a", data=b"x"), member("a/b", data=b"x")],
    "empty name": [member("", data=b"x")],
    "name too long": [member("n" * 300, data=b"x")],
    "path too long": [member("/".join(["n" * 200] * 30), data=b"x")],
    "too deep": [folder("/".join("d" * (MAX_DEPTH + 1)))],
    "link to an empty name": [link("a", "")],
    "too many bytes": [member("a", data=b"x" * 600_000), member("b", data=b"x" * 600_000)],
    "copies past the limit": [
        member("a", data=b"x" * 600_000),
        *(member(name, tarfile.LNKTYPE, link="a") for name in "bc"),
    ],
    "too many members": [member(f"f{number}") for number in range(1001)],
    "too many folders made in passing": [member(f"{number}/a/b") for number in range(400)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_are_refused_and_leave_nothing(members: list[Member], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("host")
    with pytest.raises(PathRefused):
        unpacked(archive(*members), tmp_path / "target")
    assert entries(tmp_path) == ["secret"]


def test_a_link_that_points_outside_is_data_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "host").write_text("untouched")
    top = unpacked(archive(link("a", "../host"), link("b", "/etc/passwd"), member("c")), tmp_path / "target")
    assert (top / "a").readlink() == Path("../host")
    assert (top / "b").readlink() == Path("/etc/passwd")
    assert (tmp_path / "host").read_text() == "untouched"


def test_devices_and_fifos_are_left_out(tmp_path: Path) -> None:
    kinds = {"fifo": tarfile.FIFOTYPE, "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE, "odd": b"Z"}
    top = unpacked(archive(*(member(*item) for item in kinds.items()), member("file")), tmp_path / "target")
    assert entries(top) == ["file"]


def test_hard_links_become_copies(tmp_path: Path) -> None:
    top = unpacked(
        archive(
            member("a", data=b"one", mode=0o755),
            member("b", tarfile.LNKTYPE, link="a"),
            member("c", tarfile.LNKTYPE, link="b"),
        ),
        tmp_path / "target",
    )
    (top / "a").write_bytes(b"two")
    assert [(top / name).read_bytes() for name in "bc"] == [b"one", b"one"]
    assert (top / "b").stat().st_mode & 0o777 == 0o755


def test_no_bit_but_the_nine_permissions_survives(tmp_path: Path) -> None:
    top = unpacked(archive(member("su", mode=0o6755), folder("sticky", mode=0o1777)), tmp_path / "target")
    assert stat.S_IMODE((top / "su").stat().st_mode) == 0o755
    assert stat.S_IMODE((top / "sticky").stat().st_mode) == 0o777


def test_an_existing_target_is_neither_filled_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("mine")
    for function in (unpack, unpack_single):
        with pytest.raises(FileExistsError):
            function(archive(member("a")), tmp_path, max_bytes=1, max_members=1)
    assert entries(tmp_path) == ["keep"]


@pytest.mark.parametrize("size", [512, 700, 1024, 1536], ids=["header", "in the data", "before", "no end marker"])
def test_an_archive_cut_short_is_not_a_smaller_archive(size: int, tmp_path: Path) -> None:
    whole = archive(member("a", data=b"x" * 1024), form=tarfile.USTAR_FORMAT).getvalue()
    with pytest.raises(PathRefused):
        unpacked(io.BytesIO(whole[:size]), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_an_empty_archive_is_an_empty_folder(tmp_path: Path) -> None:
    assert entries(unpacked(archive(), tmp_path / "target")) == []


class Endless(io.RawIOBase):
    """A header that says it is large, and then zeros for ever; remembers how much was read."""

    def __init__(self, header: bytes) -> None:
        self.header, self.count = header, 0

    def read(self, size: int = -1) -> bytes:
        data, self.header = self.header, b""
        self.count += size
        return (data + bytes(size))[:size]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_a_header_of_gigabytes_is_not_read_into_memory(kind: bytes, tmp_path: Path) -> None:
    info = tarfile.TarInfo("name")
    info.type, info.size = kind, 7 << 30
    stream = Endless(info.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(PathRefused):
        unpack(stream, tmp_path / "target", max_bytes=10 << 30, max_members=10)  # type: ignore[arg-type]
    assert stream.count < 4 << 20


def test_a_sparse_member_counts_with_its_holes(tmp_path: Path) -> None:
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {"GNU.sparse.size": str(1 << 50), "GNU.sparse.map": "0,0", "GNU.sparse.name": "sparse"}
    with pytest.raises(PathRefused):
        unpacked(archive((info, b"")), tmp_path / "target")


def test_times_that_no_clock_shows_do_no_harm(tmp_path: Path) -> None:
    members = []
    for name, time in {"nan": "nan", "huge": "1e300", "past": "-1e300", "words": "yesterday", "good": "1.5"}.items():
        info, data = member(name)
        info.pax_headers = {"mtime": time}
        members.append((info, data))
    top = unpacked(archive(*members), tmp_path / "target")
    assert len(entries(top)) == 5
    assert (top / "good").stat().st_mtime == 1.5


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


pieces = st.sampled_from(["a", "b", "..", ".", "", "/", "a/b", "../a", "/a", "a\0b", "\udcff"])
paths = st.lists(pieces, max_size=4).map("/".join)
members = st.builds(
    member,
    paths,
    st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"S"]),
    st.binary(max_size=20),
    paths,
    st.integers(0, 0o7777),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(members, max_size=6), st.data())
def test_no_archive_reaches_past_its_target(
    tmp_path_factory: pytest.TempPathFactory, members: list[Member], data: st.DataObject
) -> None:
    """Any members in any order, and a few bytes of the archive changed: refused or unpacked, never anything else."""
    top = tmp_path_factory.mktemp("any")
    (top / "a").write_text("host")
    raw = bytearray(
        archive(*members, form=data.draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))).getvalue()
    )
    for place in data.draw(st.lists(st.integers(0, min(len(raw), 4096) - 1), max_size=3)):
        raw[place] = data.draw(st.integers(0, 255))
    try:
        unpacked(io.BytesIO(bytes(raw)), top / "target")
    except PathRefused:
        assert not os.path.lexists(top / "target")
    assert set(entries(top)) <= {"a", "target"}
    assert (top / "a").read_text() == "host"
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
