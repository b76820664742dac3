"""Which files of a worktree a command wrote, by their times: since the last look, or since `mark`."""

import re

from sandbox.api import Sandbox

MARK = 'touch "${TMPDIR:-/tmp}/.solve-mark"'
CHANGED = f'find . -path ./.git -prune -o -type f -newer "${{TMPDIR:-/tmp}}/.solve-mark" -print0; {MARK}'
TOOLS = re.compile(r"(^|/)(__pycache__|\.pytest_cache|\.mypy_cache|\.hypothesis|[^/]+\.egg-info)/|\.pyc$|^\./\.git/")


def mark(sandbox: Sandbox) -> None:
    sandbox.exec(MARK)


def changed(sandbox: Sandbox) -> list[str]:
    """Paths relative to the worktree, sorted. Names that are no UTF-8 are left out: nobody could ask for them."""
    listed = sandbox.exec(CHANGED, timeout=60).stdout.split(b"\0")
    return sorted(path.decode().removeprefix("./") for path in listed if path and _decodes(path))


def made_by_tools(path: str) -> bool:
    """Whether it is what compilers and test runners leave behind."""
    return TOOLS.search(path) is not None


def _decodes(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
