"""Hostile words on their way to a page of the forge (pure): they can be read, and do nothing.

A zero-width space breaks each mark that the forge acts on; nothing is escaped, for whether an escape counts depends on
where the parser believes to be. Secrets' shapes are taken out. Layout is the template's part (`page.py`).
"""

import re

from agents.run.bot.clean import visible
from sandbox.redact import redact

BREAK = "\u200b"
MARKS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"@(?=[\w-])",  # mentions of people and teams
        r"#(?=\w)",  # references, and with a word before them, closing ones
        r"\bGH(?=-\d)",
        r"\b[a-z][a-z0-9+.-]*(?=://)|\b(?:mailto|data|javascript|vbscript|xmpp)(?=:)|\bwww(?=\.)",  # addresses
        r"<(?=[a-z!/?])",  # tags, comments, <addresses>
        r"!(?=\[)|\](?=[\[(:])",  # images, links, link definitions, footnotes
        r"\[(?=\s*(?:skip|no|ci|actions)\b)|\bskip-checks(?=:)",  # what switches CI off in a commit message
        r"`(?=``)|~(?=~~)",  # fences: one left open swallows all that follows
        r"\$(?=[^\s\d])",  # mathematics
        r"^[ \t]*/(?=\w)",  # commands, of this bot and of others
    )
)


def neutral(text: str, limit: int = 4000) -> str:
    """`text` without power; cut to `limit` characters before marks are broken."""
    text = redact(visible(text))
    if len(text) > limit:
        text = text[:limit].rstrip() + " …"
    for mark in MARKS:
        text = mark.sub(lambda found: found[0] + BREAK, text)
    return text


def one_line(text: str, limit: int = 200) -> str:
    return neutral(" ".join(text.split()), limit)


def quoted(text: str, limit: int = 4000) -> str:
    """As a block quote: a heading or a table within it cannot be taken for one of ours."""
    return "\n".join(f"> {line}".rstrip() for line in neutral(text.strip(), limit).splitlines())


def code(text: str, limit: int = 200) -> str:
    """As an inline code span, safe in a table's cell too."""
    return "`" + one_line(text, limit).replace("`", "'").replace("|", "¦") + "`"
