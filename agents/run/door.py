"""The one place where errors become an exit status and one line that says what is wrong and how to mend it.

| status | meaning |
|---|---|
| 0 | verified, done |
| 1 | finished, but not verified or resolved |
| 2 | bad input |
| 3 | infrastructure: the machine, the engine, the network, the disk, or a fault of this program |
| 130 | stopped by Ctrl-C or SIGTERM |
"""

import errno
import json
import sys
import traceback
from collections.abc import Callable

from typer.exceptions import Abort, TyperException

from agents.run.shown import shown
from sandbox.api import BadInput, BuildFailed, SandboxError
from sandbox.patch import PatchRejected
from tasks.limits import OverBudget

FULL = (errno.ENOSPC, errno.EDQUOT)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
INTERRUPTED = 130


def at_the_door(program: Callable[[], object], *, as_json: bool = False) -> int:
    """Run the command line; its exit status. Nothing but a fault of this program itself shows a traceback.

    `program` is the typer app, called with `standalone_mode=False`: it returns an exit status or raises.
    `as_json`: whoever reads standard output expects an object there, also where there is only an error to tell.
    """
    try:
        status = program()
    except Exception as error:  # the door: nothing is behind it that could catch what it does not know
        status, line = explain(error)
        if line is None:
            traceback.print_exc()
            line = "this is a fault of solve itself, not of the patch: please report it with the lines above"
        if line:
            complain(line)
        if as_json:
            print(json.dumps({"error": line, "exit_status": status}))
    if status == INTERRUPTED:
        complain("stopped; what was found so far is kept")
    return status if isinstance(status, int) else 0


def explain(error: Exception) -> tuple[int, str | None]:
    """The exit status of an error and its one line, which is empty where help was shown instead.

    None for what only a fault of this program can raise.
    """
    if isinstance(error, TyperException):
        said = error.format_message().replace("Value error, ", "").rstrip(".")
        return 2, said and f"{said}: --help says what there is"
    if isinstance(error, Abort):  # the end of the input, where a person was asked
        return INTERRUPTED, ""
    if isinstance(error, BadInput):
        return 2, str(error)
    if isinstance(error, OverBudget):
        return 1, f"over budget: {error}"
    if isinstance(error, PatchRejected):
        return 1, str(error)
    if isinstance(error, BuildFailed):
        what, newline, tail = str(error).partition("\n")
        return 3, f"{what}: docs/images.md says how to have it built another way{newline}{tail}"
    if isinstance(error, SandboxError):
        return 3, str(error)
    return 3, of_system(error) if isinstance(error, OSError) else None


def of_system(error: OSError) -> str | None:
    """What the machine refused, in one line; None for what is no such thing."""
    if error.errno in FULL:
        return f"the disk is full ({error.filename or 'while writing'}): free some space and run the same command again"
    if error.errno in REFUSED and error.filename:
        return f"{error.filename}: {error.strerror}: allow it, or name folders of yours: --out, SOLVE_CACHE_DIR, TMPDIR"
    return None


def complain(line: str) -> None:
    print(f"solve: {shown(line)}", file=sys.stderr)
