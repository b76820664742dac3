"""The one line of what a tool printed that says most about why it failed (pure)."""

import re

RAISED = re.compile(r"(?:[\w.]*(?:Error|Exception)\b.*:|fatal: |.*\berror: |ERROR: )", re.ASCII)
SAYS_ERROR = re.compile(r"\berror\b", re.IGNORECASE)
PIP = re.compile(r"error: (?:metadata-generation-failed|subprocess-exited-with-error)")  # its way to say "see above"
MOST = 200  # characters


def telling(text: str) -> str:
    """The last line that names an exception or an error, else the last line; of nothing, that it was nothing."""
    bare = (line.strip().strip("=").strip() for line in text.splitlines())  # pytest draws bars about its headings
    lines = [line for line in bare if line] or ["it printed nothing"]
    worth = [line for line in lines if not PIP.match(line)]
    for pattern in (RAISED.match, SAYS_ERROR.search):
        if found := next((line for line in reversed(worth) if pattern(line)), ""):
            return found[:MOST]
    return lines[-1][:MOST]
