"""Which Python an image stands on: versions, what fits a repository, and the Pythons of this host."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from sandbox.api import ImageUnavailable
from sandbox.wheelhouse import host_python

WORKDIR = "/work"  # the worktree, inside
VERSIONS = ("3.11", "3.12", "3.13", "3.10", "3.9", "3.8")  # the preferred first


@dataclass(frozen=True, slots=True)
class Base:
    ref: str  # a base image's name, or the path of a Python of this host
    id: str  # what it is now
    python: str  # "3.11"


def host_base(requires_python: str) -> Base:
    """The Python that we run on, or another one of this host that fits.

    Raises:
        ImageUnavailable: none does.
    """
    own = Path(sys.base_prefix, "bin", f"python{host_python()}")
    candidates = [(host_python(), str(own))]
    candidates += [(version, shutil.which(f"python{version}") or "") for version in VERSIONS]
    for version, path in candidates:
        if path and fitting(requires_python, (version,)) and os.access(path, os.X_OK):
            return Base(path, f"{path} {version}", version)
    raise ImageUnavailable(f"the repository needs Python {requires_python}, and this host has none: install one")


def fitting(requires_python: str, versions: Sequence[str]) -> list[str]:
    """Those of `versions` that a specifier allows, whatever the patch release; all if it cannot be read."""
    try:
        allowed = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return list(versions)
    return [version for version in versions if allowed.contains(f"{version}.99") or allowed.contains(version)]
