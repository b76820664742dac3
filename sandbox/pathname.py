"""Paths of a tree for a person to read: they may hold newlines and bytes that are no text."""

from collections.abc import Collection

NAMED = 3  # paths spelled out in one line


def shown(path: bytes) -> str:
    """A path as one printable word: control characters and bytes that are not UTF-8 as escapes."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def note(what: str, paths: Collection[bytes]) -> str:
    """One line that names the first few paths."""
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return f"{what}: {', '.join(map(shown, sorted(paths)[:NAMED]))}{more}"
