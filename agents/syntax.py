"""Whether an edit breaks the syntax of a file, by tree-sitter: what does not parse is not accepted."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agents.index.languages import LANGUAGES, grammar, language_of

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_BYTES = 2 << 20  # larger files are not checked: generated, most often


def broken(path: str, before: bytes, after: bytes) -> str:
    """What the new text breaks, in one line; empty if nothing that was not broken before.

    Old dialects and macros give errors in good files too: only their becoming more counts.
    """
    language = language_of(path)
    if language not in LANGUAGES or len(after) > MAX_BYTES:
        return ""
    wrong = list(_errors(language, after))
    if not wrong or len(wrong) <= sum(1 for _ in _errors(language, before)):
        return ""
    known = {node.text for node in _errors(language, before)}
    node = next((node for node in wrong if node.text not in known), wrong[0])
    row = node.start_point[0]
    line = after.splitlines()[row].decode("utf-8", "replace") if row < len(after.splitlines()) else ""
    what = f"{node.type!r} is missing" if node.is_missing else "this does not parse"
    return f"line {row + 1}: {what}: {line.strip()[:120]}"


def _errors(language: str, text: bytes) -> Iterator["Node"]:
    from tree_sitter import Parser

    stack = [Parser(grammar(language)).parse(text).root_node]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            stack.extend(reversed(node.children))
