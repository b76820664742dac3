"""What commands find in their environment: made from nothing, with an allow-list of the harness's own."""

import os
from collections.abc import Mapping

PASSED = ("LANG", "LC_ALL", "TZ")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


def inherited() -> dict[str, str]:
    """The harness's variables that may enter a sandbox. Without a locale it is `C.UTF-8`, on every machine."""
    found = {name: os.environ[name] for name in PASSED if name in os.environ}
    return found if "LANG" in found or "LC_ALL" in found else found | {"LANG": "C.UTF-8"}


def placed(env: Mapping[str, str], workdir: str) -> dict[str, str]:
    """An image's variables with the literal `{workdir}` in their values replaced by where the worktree stands."""
    return {name: value.replace("{workdir}", workdir) for name, value in env.items()}
