"""Repositories that are not on this machine: fetched over real HTTP, taken from mirrors, or refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_server import ForgeServer
from git_repositories import commit, git, line, repository, write

from sandbox.api import BadInput, NetworkUnavailable
from sandbox.credentials import basic_authorization, credential_for
from sandbox.workspace import Workspace, open_workspace


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    with ForgeServer() as server:
        yield server


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = repository(tmp_path / "source", {"a.py": b"1\n"})
    git(source, "tag", "v1")
    for content in (b"2\n", b"3\n"):
        write(source, {"a.py": content})
        commit(source)
    return source


class Opener:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []

    def __call__(
        self, address: str, revision: str | None = None, mirrors: Path | None = None, **environment: str
    ) -> Workspace:
        folder = self.folder / f"w{len(list(self.folder.iterdir()))}"
        return open_workspace(
            address, revision, folder, mirrors=mirrors, tell=self.told.append, environment=environment
        )


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    return Opener(tmp_path)


class TestFetch:
    def test_the_head_of_an_address(self, forge: ForgeServer, source: Path, opened: Opener) -> None:
        forge.serve("/o/n.git", source)
        workspace = opened(f"{forge.url}/o/n.git")
        assert workspace.base_commit == line(source, "rev-parse", "HEAD")
        assert (workspace.folder / "a.py").read_bytes() == b"3\n"
        assert opened.told[0] == f"fetching {forge.url}/o/n.git"
        assert any(line.startswith("Receiving objects: 100%") for line in opened.told)

    @pytest.mark.parametrize("revision", ["v1", "main", "main~1", "HEAD~2"])
    def test_a_revision_by_name(self, forge: ForgeServer, source: Path, opened: Opener, revision: str) -> None:
        forge.serve("/o/n.git", source)
        assert opened(f"{forge.url}/o/n.git", revision).base_commit == line(source, "rev-parse", revision)

    @pytest.mark.parametrize("length", [40, 8])
    def test_a_commit_by_its_name(self, forge: ForgeServer, source: Path, opened: Opener, length: int) -> None:
        forge.serve("/o/n.git", source)
        name = line(source, "rev-parse", "HEAD~1")
        assert opened(f"{forge.url}/o/n.git", name[:length]).base_commit == name

    def test_an_unknown_revision(self, forge: ForgeServer, source: Path, opened: Opener) -> None:
        forge.serve("/o/n.git", source)
        with pytest.raises(BadInput, match=r"/o/n\.git has no revision 'v2'; there is v1"):
            opened(f"{forge.url}/o/n.git", "v2")

    def test_not_found(self, forge: ForgeServer, opened: Opener) -> None:
        with pytest.raises(BadInput, match=r"/o/n\.git was not found or is private: check the address"):
            opened(f"{forge.url}/o/n.git")

    def test_a_login_in_the_address_is_used_and_not_shown(
        self, forge: ForgeServer, source: Path, opened: Opener
    ) -> None:
        address = f"http://ada:s%23cret@{forge.host}/o/n.git"
        forge.serve("/o/n.git", source, authorization=basic_authorization("ada", "s#cret"))
        assert opened(address).paths == {"a.py"}
        forge.serve("/o/n.git", source, authorization="another")
        with pytest.raises(BadInput, match="was not found or is private") as caught:
            opened(address)
        assert "cret" not in f"{caught.value} {opened.told}"

    def test_a_token_is_not_sent_over_an_open_line(self, forge: ForgeServer, source: Path, opened: Opener) -> None:
        forge.serve("/o/n.git", source)
        opened(f"{forge.url}/o/n.git", GITHUB_SERVER_URL=forge.url, GITHUB_TOKEN="secret")
        assert forge.sent("Authorization") == []

    def test_nobody_listens(self, opened: Opener) -> None:
        with ForgeServer() as gone:
            pass
        with pytest.raises(NetworkUnavailable, match="cannot be reached"):
            opened(f"{gone.url}/o/n.git")


class TestMirrors:
    @pytest.mark.parametrize(
        "name",
        [
            "octo/hello",
            "https://github.com/octo/hello",
            "https://github.com/octo/hello.git/",
            "git@github.com:octo/hello.git",
        ],
    )
    def test_in_place_of_fetching(self, source: Path, tmp_path: Path, opened: Opener, name: str) -> None:
        git(tmp_path, "clone", "--quiet", "--bare", str(source), "mirrors/octo/hello.git")
        workspace = opened(name, "v1", mirrors=tmp_path / "mirrors")
        assert workspace.base_commit == line(source, "rev-parse", "v1")

    def test_without_one(self, tmp_path: Path, opened: Opener) -> None:
        with pytest.raises(BadInput, match=r"there is no .*/octo/hello\.git: put a bare mirror there, or give https"):
            opened("octo/hello", mirrors=tmp_path)
        (tmp_path / "empty" / "octo" / "hello.git").mkdir(parents=True)
        with pytest.raises(BadInput, match=r"octo/hello\.git is no mirror that git can read: make it anew"):
            opened("octo/hello", mirrors=tmp_path / "empty")
        with pytest.raises(BadInput, match=r"there is no folder octo/hello: give https://github\.com/octo/hello, or"):
            opened("octo/hello")

    def test_file_addresses_are_read_in_place(self, source: Path, opened: Opener) -> None:
        assert opened(f"file://{source}", "v1").base_commit == line(source, "rev-parse", "v1")
        with pytest.raises(BadInput, match="does not exist"):
            opened(f"file://{source}/nowhere")


class TestRefusedAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "ext::sh -c 'touch was-run'",
            "fd::17",
            "git://example.org/n",
            "ftp://example.org/n",
            "--upload-pack=x",
            "x::y/z",
        ],
    )
    def test_other_protocols(self, opened: Opener, address: str) -> None:
        with pytest.raises(BadInput, match="is not an address git may fetch here: use https or ssh"):
            opened(address)

    @pytest.mark.parametrize("address", ["nowhere", "a/b/c", "no where"])
    def test_neither_a_folder_nor_an_address(self, opened: Opener, address: str) -> None:
        with pytest.raises(BadInput, match=f"{address} does not exist: name a folder or an address"):
            opened(address)

    @pytest.mark.parametrize("address", ["", " ", "a\0b"])
    def test_nothing(self, opened: Opener, address: str) -> None:
        with pytest.raises(BadInput, match="no repository was given"):
            opened(address)


class TestCredentials:
    def test_which_token_for_whom(self) -> None:
        environment = {"GITHUB_TOKEN": "a", "GITLAB_TOKEN": "b"}
        assert credential_for("GitHub.com", environment).token == "a"
        assert credential_for("gitlab.com", environment).token == "b"
        assert credential_for("github.com.example.org", environment).token == ""

    def test_the_ci_says_whose_token_it_is(self) -> None:
        environment = {"GITHUB_TOKEN": "a", "GITHUB_SERVER_URL": "https://git.example.org"}
        assert credential_for("git.example.org", environment).basic() == basic_authorization("x-access-token", "a")
        assert credential_for("github.com", environment).basic() == ""
