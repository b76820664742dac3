"""What was found out about a repository: how it is built and tested, from which file each part came, what is next."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

VERSION = 2  # of what recipes mean: raised when images built from an older one must not be used again

# high: a file states just this. medium: read from something written for another purpose, or by a wide-spread custom.
# low: nothing says so; it is what most repositories need.
Confidence = Literal["high", "medium", "low"]
Language = Literal["python", "javascript", "go", "rust"]


@dataclass(frozen=True, slots=True)
class Evidence:
    what: str  # which part of the recipe
    value: str
    source: str  # the file it came from; "default" where none says
    why: str = ""
    confidence: Confidence = "high"


@dataclass(frozen=True, slots=True)
class Recipe:
    language: Language
    name: str = ""  # normalized distribution name; "" if nothing names it
    requires_python: str = ""  # a PEP 440 specifier
    requirements: tuple[str, ...] = ()  # PEP 508: to run the package and its tests
    build_requires: tuple[str, ...] = ()  # PEP 508: to build it
    backend: str = ""  # PEP 517 back end; "" where there is nothing to build and the tree is put on PYTHONPATH
    roots: tuple[str, ...] = (".",)  # folders that imports start from
    test_command: str = "python -m pytest"
    build_env: Mapping[str, str] = field(default_factory=dict)  # set while the repository is built, not later
    system: tuple[str, ...] = ()  # Debian packages
    manifests: Mapping[str, str] = field(default_factory=dict)  # files by name: the packages of npm, Go, Cargo to fetch
    evidence: tuple[Evidence, ...] = ()  # in reading order
    following: tuple[Evidence, ...] = ()  # what a failure would have it try, the most plausible first

    @property
    def editable(self) -> bool:
        return bool(self.backend)

    def digest(self) -> str:
        """Names what is built from this recipe: equal digests give equal environments. Evidence does not count."""
        parts = (VERSION, self.language, self.name, self.requires_python, sorted(self.requirements),
                 sorted(self.build_requires), self.backend, self.roots, sorted(self.build_env.items()),
                 sorted(self.system), *((sorted(self.manifests.items()),) if self.manifests else ()))  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
