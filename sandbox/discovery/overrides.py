"""What is said rather than found out: the options of the command line, and a repository's `[tool.solve]` table."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from sandbox.api import BadInput
from sandbox.discovery.recipe import Language
from sandbox.discovery.requirements import accept, read_text
from sandbox.discovery.script import PACKAGE
from sandbox.discovery.tables import table

OPTION = "the command line"
TABLE = "pyproject.toml [tool.solve]"
_MINOR = re.compile(r"^3\.\d{1,2}$")


@dataclass(frozen=True, slots=True)
class Overrides:
    """None where nothing is said."""

    language: Language | None = None
    python: str | None = None  # "3.9"
    test_command: str | None = None
    requirements: tuple[str, ...] | None = None  # in place of those found for tests; PEP 508
    system: tuple[str, ...] | None = None  # Debian packages, in addition
    sources: Mapping[str, str] = field(default_factory=dict)  # who said it, by field; the command line if not here

    def __post_init__(self) -> None:
        if self.python is not None and not _MINOR.match(self.python):
            raise BadInput(f"no Python {self.python!r}: name a minor version of Python 3, as 3.9")

    def over(self, other: "Overrides") -> "Overrides":
        """This, and where it says nothing the other."""
        taken = {name: getattr(other, name) for name in SAID if getattr(self, name) is None}
        sources = {name: other.source(name) for name in taken}
        return replace(self, **taken, sources={**self.sources, **sources})

    def source(self, name: str) -> str:
        return self.sources.get(name, OPTION)


SAID = ("language", "python", "test_command", "requirements", "system")
NOTHING = Overrides()


def _requirement(value: str) -> str:
    judged = accept([value], "requirements")
    if not judged.accepted:
        raise ValueError(judged.refused[0] if judged.refused else "empty")
    return judged.accepted[0]


Package = Annotated[str, StringConstraints(pattern=PACKAGE.pattern)]


class Table(BaseModel):
    """`[tool.solve]`: hostile data, and checked as such; a command in it only ever runs in a sandbox."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    language: Language | None = None
    python: Annotated[str, StringConstraints(pattern=_MINOR.pattern)] | None = None
    test_command: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        None, alias="test-command"
    )
    test_requirements: list[Annotated[str, AfterValidator(_requirement)]] | None = Field(
        None, alias="test-requirements"
    )
    system_packages: list[Package] | None = Field(None, alias="system-packages")


def read(tree: Path) -> Overrides:
    """Raises BadInput: the table is there and cannot be used; says which entry."""
    try:
        found = table(tomllib.loads(read_text(tree, "pyproject.toml") or ""), "tool").get("solve")
    except (tomllib.TOMLDecodeError, RecursionError):  # told by the reader of that file
        found = None
    if found is None:
        return NOTHING
    try:
        read = Table.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise BadInput(f"[tool.solve] in pyproject.toml: {place}: {first['msg']}: see docs/images.md") from error
    return Overrides(
        language=read.language,
        python=read.python,
        test_command=read.test_command,
        requirements=None if read.test_requirements is None else tuple(read.test_requirements),
        system=None if read.system_packages is None else tuple(read.system_packages),
        sources=dict.fromkeys(SAID, TABLE),
    )
