"""A release is a repository by its hash: the same commit everywhere, and no other archive."""

from pathlib import Path

import pytest
from local_index import LocalIndex

from sandbox.api import BadInput, NetworkUnavailable
from sandbox.release import Release, head, open_release, parse_release, releases
from sandbox.workspace import open_workspace

FILES = {
    "thing.py": "x = 1\r\n",
    ".gitignore": "kept.txt\n",
    "kept.txt": "released\n",
    ".gitattributes": "* text=auto\n",
}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalIndex:
    monkeypatch.setenv("SOLVE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    found = LocalIndex(tmp_path / "index")
    for version in ("1.0", "1.10", "1.9", "2.0rc1"):
        found.add_sdist("thing", version, {**FILES, "version.txt": version})
    return found


def test_a_release_is_one_commit_by_its_hash(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with index.served() as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        listed = releases("Thing")
        assert [release.version for release in listed] == ["1.0", "1.9", "1.10"]  # in their order, no pre-release
        first = head(open_release(listed[0]))
        monkeypatch.setenv("SOLVE_CACHE_DIR", str(tmp_path / "another"))
        assert head(open_release(listed[0])) == first
        assert head(open_release(listed[1])) != first
        with pytest.raises(NetworkUnavailable, match=r"thing 1\.0 cannot be had"):
            open_release(Release("thing", "1.0", "0" * 64))
    # It is kept: nothing is asked again.
    workspace = open_workspace(listed[0].address, first, tmp_path / "w", tell=lambda line: None)
    assert workspace.base_commit == first
    assert {name: (tmp_path / "w" / name).read_bytes().decode() for name in FILES} == FILES  # byte for byte


@pytest.mark.parametrize("address", ["pypi:thing", "pypi:thing==1.0", "pypi:../x==1.0#sha256=" + "0" * 64])
def test_what_is_no_release_is_said(address: str) -> None:
    with pytest.raises(BadInput, match="the hash of its sdist"):
        parse_release(address)
