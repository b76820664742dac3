"""Source distributions from an index: the right one, whole, and nothing of it run."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from local_index import LocalIndex
from packaging.requirements import Requirement

from sandbox.api import BuildFailed, NetworkUnavailable
from sandbox.sdist import Offer, best, fetch, indexes, offers

SETUP = {"setup.py": "raise SystemExit('it ran')"}


@pytest.fixture
def index(tmp_path: Path) -> LocalIndex:
    return LocalIndex(tmp_path / "index")


def fetched(index: LocalIndex, wanted: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with index.served() as address:
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_INDEX_URL", address)
        monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
        return fetch(Requirement(wanted), "3.11", folder)


def test_the_newest_that_is_asked_for(index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.0", "1.9", "2.0"):
        index.add_sdist("thing", version, SETUP)
    index.add("thing", "thing-1.99-py3-none-any.whl", b"")
    found = fetched(index, "Thing<2", tmp_path, monkeypatch)
    assert (found.name, (found / "setup.py").read_text()) == ("thing-1.9", SETUP["setup.py"])


@pytest.mark.slow
def test_another_file_than_the_index_states(index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add_sdist("thing", "1.0", SETUP)
    (index.folder / "simple/thing/thing-1.0.tar.gz").write_bytes(b"swapped")
    with pytest.raises(BuildFailed, match="does not have the hash"):
        fetched(index, "thing", tmp_path, monkeypatch)


def climbing(archive: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("../../escaped")
    member.size = 1
    archive.addfile(member, io.BytesIO(b"x"))


def headless(archive: tarfile.TarFile) -> None:
    archive.addfile(tarfile.TarInfo("setup.py"))


@pytest.mark.parametrize("make", [climbing, headless])
@pytest.mark.slow
def test_hostile_archives(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[tarfile.TarFile], None]
) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        make(archive)
    index.add("thing", "thing-1.0.tar.gz", stream.getvalue())
    with pytest.raises(BuildFailed, match="source distribution of thing"):
        fetched(index, "thing", tmp_path, monkeypatch)
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.slow
def test_no_archive_at_all(index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add("thing", "thing-1.0.tar.gz", b"no gzip")
    with pytest.raises(BuildFailed, match="source distribution of thing"):
        fetched(index, "thing", tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_project_that_the_index_does_not_know(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add_sdist("other", "1.0", SETUP)
    with pytest.raises(BuildFailed, match="no wheel and no source distribution of thing"):
        fetched(index, "thing", tmp_path, monkeypatch)


def test_an_index_that_is_not_there_is_the_machine_s_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:hunter2@127.0.0.1:9/simple")
    with pytest.raises(NetworkUnavailable) as failure:
        fetch(Requirement("thing"), "3.11", tmp_path)
    assert "hunter2" not in str(failure.value)


def test_the_addresses_are_pip_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = https://one.invalid/simple\nextra-index-url = https://two.invalid/s/\n"
                        "    file:///three\n")  # fmt: skip
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    assert indexes()[-1] == "https://two.invalid/s/"
    monkeypatch.setenv("PIP_INDEX_URL", "https://four.invalid/simple")
    assert indexes()[0] == "https://four.invalid/simple/"


def test_an_index_that_answers_in_json() -> None:
    """PEP 691, as the public index does; what is not as stated there is no offer to take."""
    files = [
        {"filename": "a-1.tar.gz", "url": "../../a-1.tar.gz", "hashes": {"sha256": "11"}, "requires-python": ">=3.8"},
        {"filename": "a-2.tar.gz", "url": "https://files.invalid/a-2.tar.gz", "hashes": {"sha256": "22"},
         "yanked": "broken"},
        {"filename": "a-3.tar.gz", "url": "a-3.tar.gz", "hashes": {}, "requires-python": None},
        {"filename": "a-4.tar.gz", "url": "a-4.tar.gz", "hashes": {"sha256": "44"}, "requires-python": ">=3.13"},
        "rubbish",
    ]  # fmt: skip
    headers = {"content-type": "application/vnd.pypi.simple.v1+json"}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=json.dumps({"files": files})))
    with httpx.Client(transport=answer) as http:
        found = offers(http, "https://index.invalid/simple/", "A")
    assert len(found) == 4
    chosen = best(found, Requirement("a"), "3.11")
    assert chosen == Offer("https://index.invalid/a-1.tar.gz", "a-1.tar.gz", "11", ">=3.8")
    assert best(found, Requirement("a>1"), "3.11") is None
