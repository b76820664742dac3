"""What comes out of a sandbox stays where it is put, whatever it is."""

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from archives import Member, archive, entries, folder, link, member, unpacked
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.api import PathRefused
from sandbox.archive import unpack, unpack_single
from sandbox.tree import MAX_DEPTH, remove_tree

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
