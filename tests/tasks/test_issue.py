"""What a person gives as the issue."""

import io
import os
import threading
from pathlib import Path

import pytest

from sandbox.api import BadInput
from tasks.issue import read_issue
from tasks.task import Issue

MEBIBYTE = 1 << 20


def read(given: str, stdin: str | None = None) -> Issue:
    return read_issue(given, stdin=None if stdin is None else io.StringIO(stdin), environment={})


class TestWhatItIs:
    def test_text(self) -> None:
        issue = read("Sum is wrong\n\nIt says 3.\nIt should say 4.")
        assert (issue.title, issue.body, issue.source) == ("Sum is wrong", "It says 3.\nIt should say 4.", "text")
        assert issue.fetched.endswith("+00:00")

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "issue.md").write_bytes(b"\xef\xbb\xbf# Sum is wrong\r\n\r\nIt says 3.\r\n")
        issue = read(str(tmp_path / "issue.md"))
        assert (issue.title, issue.body) == ("Sum is wrong", "It says 3.")
        assert issue.source == str(tmp_path / "issue.md")

    def test_standard_input(self) -> None:
        assert read("-", "Sum is wrong\rIt says 3.").body == "It says 3."

    def test_a_pipe(self, tmp_path: Path) -> None:
        """As the shell's `<(command)` gives it."""
        os.mkfifo(tmp_path / "pipe")
        writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text("from a pipe"))
        writer.start()
        assert read(str(tmp_path / "pipe")).title == "from a pipe"
        writer.join()

    def test_text_that_begins_with_a_fence_has_no_title(self) -> None:
        assert read("```\nboom\n```").text() == "```\nboom\n```"

    @pytest.mark.parametrize(
        "text", ["see https://github.com/o/n/issues/1 for more", "x" * 100_000, "a/b is wrong", "?"]
    )
    def test_text_that_is_nearly_something_else(self, text: str) -> None:
        assert read(text).text() == text

    def test_text_is_not_cleaned(self) -> None:
        assert read("a\tb \x1b[31m\u202e<!-- x -->").title == "a\tb \x1b[31m\u202e<!-- x -->"


class TestBadInput:
    @pytest.mark.parametrize("path", ["missing.md", "./issue", "~/no/such/file", "docs/issue.TXT"])
    def test_a_file_that_is_not_there(self, path: str) -> None:
        with pytest.raises(BadInput, match=f"^there is no file {path}: give"):
            read(path)

    @pytest.mark.parametrize("given", ["", "  \n ", "-"])
    def test_nothing(self, given: str) -> None:
        with pytest.raises(BadInput, match="is empty: say what is wrong"):
            read(given, "\n")

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "issue.md").touch()
        with pytest.raises(BadInput, match=r"issue\.md\) is empty"):
            read(str(tmp_path / "issue.md"))

    def test_five_megabytes(self, tmp_path: Path) -> None:
        (tmp_path / "issue.md").write_bytes(b"a" * 5 * MEBIBYTE)
        with pytest.raises(BadInput, match=r"is too large; an issue has at most 1048576 bytes: put what matters"):
            read(str(tmp_path / "issue.md"))
        with pytest.raises(BadInput, match="at most 1048576 bytes"):
            read("-", "a" * 5 * MEBIBYTE)
        with pytest.raises(BadInput, match="at most 1048576 bytes"):
            read("ä" * (MEBIBYTE // 2 + 1))

    @pytest.mark.parametrize("data", [b"\x7fELF\0\0", b"caf\xe9"])
    def test_a_binary_file(self, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "issue").write_bytes(data)
        with pytest.raises(BadInput, match="is not UTF-8 text"):
            read(str(tmp_path / "issue"))

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="is a folder"):
            read(str(tmp_path))

    def test_a_link_to_nowhere(self, tmp_path: Path) -> None:
        (tmp_path / "issue").symlink_to("nowhere")
        with pytest.raises(BadInput, match="cannot be read: No such file"):
            read(str(tmp_path / "issue"))

    def test_no_standard_input(self) -> None:
        with pytest.raises(BadInput, match="no standard input"):
            read("-")
        with pytest.raises(BadInput, match="standard input is not UTF-8 text"):
            read_issue("-", stdin=io.TextIOWrapper(io.BytesIO(b"\xff"), "utf-8"), environment={})

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("https://github.com/o/n", "is not the address of an issue"),
            ("https://example.org", "is not the address of an issue"),
            ("https://github.com/o/n/pull/7", "is a change, not an issue"),
            ("https://gitlab.com/g/n/-/merge_requests/7", "is a change, not an issue"),
        ],
    )
    def test_another_address(self, url: str, reason: str) -> None:
        with pytest.raises(BadInput, match=reason):
            read(url)

    def test_every_message_is_one_line(self, tmp_path: Path) -> None:
        for given in ("", "missing.md", str(tmp_path), "https://example.org/%0Ax"):
            with pytest.raises(BadInput) as caught:
                read(given)
            assert len(str(caught.value).splitlines()) == 1


def test_an_argument_that_is_not_utf_8_can_be_kept() -> None:
    """The system hands such bytes over as lone surrogates, which no file can hold."""
    issue = read_issue("caf\udce9 is wrong\nso \udcff", stdin=None, environment={})
    assert (issue.title, issue.body) == ("caf? is wrong", "so ?")
