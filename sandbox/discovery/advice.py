"""What somebody who read a failed build or test run would change: a person's colleague, a model. Checked when made.

Whoever gives it was shown text that a repository printed, and may be wrong or misled by it. So it is names and words,
each of a strict form, never a line for a shell; what comes of it runs where everything of a repository runs.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.api import BadInput
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.remedy import Remedy
from sandbox.discovery.requirements import accept
from sandbox.discovery.script import PACKAGE

MOST = 12  # entries of one list
_MINOR = re.compile(r"3\.\d{1,2}")
_WORD = re.compile(r"[\w.,:=+@\[\]-][\w./,:=+@\[\]-]{0,199}", re.ASCII)  # no path from the root, nothing a shell reads
# What a test command may begin with: runners, and none that takes a program as its argument.
RUNNERS: tuple[tuple[str, ...], ...] = (
    ("python", "-m", "pytest"), ("python", "-m", "unittest"), ("python", "-m", "nose2"), ("make", "test"),
    ("make", "check"), ("npm", "test"), ("go", "test"), ("cargo", "test"),
)  # fmt: skip
SYMPTOM = "advice of a model that read the output"


@dataclass(frozen=True, slots=True)
class Advice:
    """Raises BadInput: an entry is of no form that can be used; says which."""

    system: tuple[str, ...] = ()  # Debian packages
    requirements: tuple[str, ...] = ()  # PEP 508, to run the tests
    build_requires: tuple[str, ...] = ()  # PEP 508, to build
    python: str = ""  # "3.9"
    test_command: tuple[str, ...] = ()  # words

    def __post_init__(self) -> None:
        for many in (self.system, self.requirements, self.build_requires, self.test_command):
            if len(many) > MOST:
                raise BadInput(f"{len(many)} entries in one list: name the {MOST} that matter most")
        for name in self.system:
            if not PACKAGE.fullmatch(name):
                raise BadInput(f"{name[:80]!r} is no Debian package's name")
        judged = accept((*self.requirements, *self.build_requires), "requirement")
        if judged.refused or len(judged.accepted) < len({*self.requirements, *self.build_requires}):
            raise BadInput(f"{judged.refused[0] if judged.refused else 'an empty requirement'}")
        if self.python and not _MINOR.fullmatch(self.python):
            raise BadInput(f"{self.python[:80]!r} is no Python: name a minor version of Python 3, as 3.9")
        self._check_command()

    def remedies(self, recipe: Recipe) -> tuple[Remedy, ...]:
        """The changes that this asks for, one for each entry; of other languages than Python no Python's."""
        found = [Remedy("system", name, SYMPTOM) for name in self.system]
        if recipe.language == "python":
            found += [Remedy("requirement", line, SYMPTOM) for line in self.requirements]
            found += [Remedy("build requirement", line, SYMPTOM) for line in self.build_requires]
            found += [Remedy("python", f"=={self.python}.*", SYMPTOM)] if self.python else []
        if self.test_command:
            found.append(Remedy("test command", shlex.join(self.test_command), SYMPTOM))
        return tuple(found)

    def _check_command(self) -> None:
        words = self.test_command
        if words and not any(words[: len(runner)] == runner for runner in RUNNERS):
            known = ", ".join(" ".join(runner) for runner in RUNNERS)
            raise BadInput(f"a test command begins with one of these: {known}")
        for word in words:
            if not _WORD.fullmatch(word) or ".." in word.split("/"):
                raise BadInput(f"{word[:80]!r} is no plain word of a test command")


class Advise(Protocol):
    """Whoever can be asked for the next change, where nothing that is known helps any more."""

    def __call__(self, recipe: Recipe, output: str) -> Sequence[Remedy]:
        """What to change of the recipe after this output; nothing if nobody knows."""
        ...
