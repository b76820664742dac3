"""What a person gives as the issue (text, a file, an address, standard input) → `Issue`."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sandbox.api import BadInput
from tasks.forge import MAX_ISSUE, SHORTEN, fetch_issue, parse_address
from tasks.showing import showing_tests
from tasks.task import Issue

__all__ = ["read_issue", "showing_tests"]

FILE_ENDS = (".md", ".markdown", ".rst", ".txt", ".html", ".json")


def read_issue(given: str, *, stdin: IO[str] | None, environment: Mapping[str, str]) -> Issue:
    """The issue, frozen as of now. Its text is as it was, but for line ends, which become newlines.

    `-` is standard input; one word that begins with http:// or https:// is an address; the path of an existing file
    is that file; anything else is the issue itself, unless it is one word that can only be meant as a path.

    Raises:
        BadInput: it cannot be used; one line says why.
        NetworkUnavailable: the forge of the address does not answer.
    """
    word = given.strip()
    if word == "-":
        issue = _from_text(_read_stdin(stdin), "stdin")
    elif re.fullmatch(r"https?://\S+", word):
        issue = fetch_issue(parse_address(word), environment)
    elif (path := _as_path(word)) is not None:
        issue = _from_text(_read_file(path), str(path))
    elif _is_meant_as_path(word):
        raise BadInput(f"there is no file {word}: give the issue's text, a file, an address, or - for standard input")
    else:
        issue = _from_text(given, "text")
    return _checked(issue)


def _checked(issue: Issue) -> Issue:
    clean = replace(
        issue,
        title=_newlines(issue.title).strip().encode("utf-8", "replace").decode(),  # an argument may be any bytes
        body=_newlines(issue.body).encode("utf-8", "replace").decode(),
        comments=tuple(replace(comment, body=_newlines(comment.body)) for comment in issue.comments),
        fetched=issue.fetched or datetime.now(UTC).isoformat(timespec="seconds"),
    )
    if not clean.text().strip():
        raise BadInput(f"the issue ({issue.source}) is empty: say what is wrong and what should happen")
    size = len(clean.text().encode("utf-8", "replace"))
    if size > MAX_ISSUE:
        raise _too_large(issue.source, f"has {size} bytes")
    return clean


def _from_text(text: str, source: str) -> Issue:
    """The first line is the title, as in a commit message; a Markdown heading's marks are not part of it."""
    first, _, rest = _newlines(text).lstrip().partition("\n")
    if first.startswith(("```", "~~~")):
        return Issue("", text, source=source)
    return Issue(re.sub(r"^#+\s+", "", first), rest.strip("\n"), source=source)


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _as_path(word: str) -> Path | None:
    if not word or "\n" in word or "\0" in word:
        return None
    path = Path(word).expanduser()
    try:
        return path if os.path.lexists(path) else None
    except OSError:  # longer than a path may be: a text of one line
        return None


def _is_meant_as_path(word: str) -> bool:
    return len(word.split()) == 1 and ("/" in word or word.lower().endswith(FILE_ENDS))


def _read_file(path: Path) -> str:
    if path.is_dir():
        raise BadInput(f"{path} is a folder: give a file that holds the issue")
    try:
        with path.open("rb") as file:  # may be a pipe: `--issue <(command)`
            data = file.read(MAX_ISSUE + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_ISSUE:
        raise _too_large(str(path), "is too large")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_text(str(path)) from error
    if "\0" in text:
        raise _not_text(str(path))
    return text


def _read_stdin(stdin: IO[str] | None) -> str:
    if stdin is None:
        raise BadInput("there is no standard input to read the issue from: give text, a file or an address")
    try:
        text = stdin.read(MAX_ISSUE + 1)
    except UnicodeDecodeError as error:
        raise _not_text("standard input") from error
    if len(text) > MAX_ISSUE:
        raise _too_large("standard input", "is too large")
    if "\0" in text:
        raise _not_text("standard input")
    return text


def _not_text(source: str) -> BadInput:
    return BadInput(f"{source} is not UTF-8 text: save it as UTF-8 (iconv -f latin1 -t utf-8), or give its text")


def _too_large(source: str, what: str) -> BadInput:
    return BadInput(f"the issue ({source}) {what}; an issue has at most {MAX_ISSUE} bytes: {SHORTEN}")
