"""What images of rows are made with, and what their names say of them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

VERSION = 3  # of the steps that make an image: raised when images they made must not be used again
WORKDIR = "/testbed"


@dataclass(frozen=True, slots=True)
class Settings:
    """`base` is an image name with `{python}` in it: `solve/python:{python}`."""

    base: str
    mirrors: Path | None
    cache: Path  # of images made from what a repository says
    uv: Path | None  # the host's uv, a static program; None where the extra is not installed
    tell: Callable[[str], None] = field(default=lambda line: None)


def digest(*parts: object) -> str:
    """Of what decides an image's content: a part of its name."""
    return hashlib.sha256(json.dumps([VERSION, repr(parts)]).encode()).hexdigest()[:12]
