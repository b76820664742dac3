"""Which paths of a patch steer the tests rather than mend the code (pure).

A fix may rightly touch some of them (a dependency in `pyproject.toml`, a fixture in `conftest.py`), so they stay in
the patch that is delivered; but while the tests that judge it run they stand as they were on the base commit.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

# What a runner reads to decide what is collected, how, and by which plugins.
RUNNER_FILES = frozenset(
    {
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        "tox.ini",
        "tox.toml",
        "setup.cfg",
        "pyproject.toml",
        "noxfile.py",
        "nose.cfg",
        ".noserc",
        "unittest.cfg",
        ".coveragerc",
        "runtests.py",  # a project's own runner: sympy, Django
    }
)
# What Python itself runs or prefers before the first line of a test.
STARTUP_FILES = frozenset({"sitecustomize.py", "usercustomize.py", "pyvenv.cfg"})
STARTUP_SUFFIXES = frozenset({".pth", ".egg-link", ".pyc", ".pyo"})
# Metadata in the worktree is on `sys.path`: an entry point there is a plugin that nobody named.
METADATA_SUFFIXES = frozenset({".egg-info", ".dist-info"})
CACHE_FOLDERS = frozenset({"__pycache__", ".pytest_cache", ".git"})

_HEADER = re.compile(rb"^(?:---|\+\+\+|\*\*\*|Index:) (.*)$", re.MULTILINE)  # names with one folder before them: a/, b/
_RENAME = re.compile(rb"^(?:rename|copy) (?:from|to) (.*)$", re.MULTILINE)  # names as they are
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_GIT_HEADER = re.compile(rb"^diff --git (.*)$", re.MULTILINE)
_QUOTED_PAIR = re.compile(rb'^("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)$')
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def protected(path: str) -> bool:
    """Whether a path (relative to the repository, posix) steers how tests are found, run or reported."""
    parts = PurePosixPath(path).parts
    if not parts:
        return False
    name = parts[-1]
    if name in RUNNER_FILES or name in STARTUP_FILES or PurePosixPath(name).suffix in STARTUP_SUFFIXES:
        return True
    return any(part in CACHE_FOLDERS or PurePosixPath(part).suffix in METADATA_SUFFIXES for part in parts)


def touched(patch: bytes) -> frozenset[str]:
    """Every path that `git apply -p1` or `patch -p1` could take from the headers of a patch.

    The tools disagree on which header counts where headers disagree, and a hostile patch makes them disagree, so this
    is the union: a path too many is put back to what it was anyway.
    """
    return frozenset(name for headers, _ in _parts(patch) for name in _names(headers))


def without(patch: bytes, unwanted: Callable[[str], bool]) -> tuple[bytes, tuple[str, ...]]:
    """The patch without the files of which any name is `unwanted`, and those names, sorted.

    A file's part is left out whole if any of its headers names an unwanted path, whichever header a tool would take.
    """
    kept, dropped = [], set[str]()
    for headers, part in _parts(patch):
        names = {name for name in _names(headers) if unwanted(name)}
        dropped |= names
        if not names:
            kept.append(part)
    return b"".join(kept), tuple(sorted(dropped))


def _parts(patch: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each file's headers, and its whole part. Lines of a hunk are counted, so none of them is taken for a header."""
    part: list[bytes] = []
    headers = 0  # how many lines of the part
    removed = added = 0  # lines of the hunk that are still to come
    in_headers = True
    for line in patch.splitlines(keepends=True):
        hunk = _HUNK.match(line)
        if removed > 0 or added > 0:
            removed -= line[:1] in (b"-", b" ", b"\n")
            added -= line[:1] in (b"+", b" ", b"\n")
        elif hunk:
            removed, added, in_headers = int(hunk[1] or 1), int(hunk[2] or 1), False
        elif line.startswith((b"diff --git ", b"Index: ")) or (line.startswith((b"--- ", b"*** ")) and not in_headers):
            yield b"".join(part[:headers]), b"".join(part)
            part, headers, in_headers = [], 0, True
        part.append(line)
        headers += in_headers
    yield b"".join(part[:headers]), b"".join(part)


def _names(headers: bytes) -> set[str]:
    names = {_path(name.rstrip(b"\r").split(b"\t")[0]) for name in _HEADER.findall(headers)}
    names.update(_path(name.rstrip(b"\r"), strip=0) for name in _RENAME.findall(headers))
    for header in _GIT_HEADER.findall(headers):
        names.update(_path(name) for name in _pair(header.rstrip(b"\r")))
    return names - {""}


def _pair(header: bytes) -> tuple[bytes, ...]:
    """The two names of `diff --git a/x b/x`; unquoted names may hold spaces, and are then equal after the prefix."""
    half, odd = divmod(len(header), 2)
    if odd and header[half : half + 1] == b" " and header[:half].split(b"/")[1:] == header[half + 1 :].split(b"/")[1:]:
        return (header[:half],)
    match = _QUOTED_PAIR.match(header)
    return match.groups() if match else ()


def _path(name: bytes, strip: int = 1) -> str:
    if name.startswith(b'"') and name.endswith(b'"') and len(name) > 1:
        name = _ESCAPE.sub(_unescape, name[1:-1])
    text = name.decode("utf-8", "surrogateescape").strip()
    if text == "/dev/null":
        return ""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return "/".join(parts[strip:])


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code)
