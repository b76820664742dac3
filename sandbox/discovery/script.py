"""What the commands of a repository's own automation tell: a CI step, a tox or nox session, a make target. Read only.

A line is split as a shell would split it and is never given to one. Of the words only those are used whose meaning is
certain: what pip and apt install, and which program runs the tests.
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.discovery.requirements import NOTHING, Requirements, accept, read_requirements

_MAX_LINES = 2000
PACKAGE = re.compile(r"^[a-z0-9][a-z0-9+.-]{0,60}[a-z0-9+]$")  # Debian policy 5.6.1; `name-` would remove
_EXTRAS = re.compile(r"""^\.?/?\.?\[([\w,.\s-]+)\]$""")
_ASSIGNMENT = re.compile(r"^\w+=")
_JOINS = re.compile(r"&&|\|\||[;|\n]")
_SUBSTITUTED = re.compile(r"\$\{\{.*?\}\}|\{posargs[^{}]*(\{[^{}]*\})?[^{}]*\}|\{toxinidir\}/|\{tox_root\}/")
_RUN_TESTS = re.compile(r"(^|/)(run_?tests?|test_?runner|runtests|alltests)\.py$", re.IGNORECASE)
# What stands before a command and changes nothing of what it tests.
_BEFORE = (
    ("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("hatch", "run"), ("rye", "run"), ("sudo",),
    ("time",), ("xvfb-run", "-a"), ("xvfb-run",), ("env",), ("-",), ("@",),
)  # fmt: skip
_PYTHONS = re.compile(r"^(python[\d.]*|py|pypy3?|\{envpython\}|\$\(?PYTHON\d?\)?|\$\{PYTHON\})$")


@dataclass(frozen=True, slots=True)
class Told:
    """What one file's commands say."""

    source: str
    requirements: Requirements = NOTHING
    extras: tuple[str, ...] = ()  # extras and dependency groups of the project, lower case
    commands: tuple[str, ...] = ()  # that run tests; pytest as `python -m pytest`, without its arguments
    system: tuple[str, ...] = ()  # Debian packages
    pythons: tuple[str, ...] = ()  # "3.9", as they stand

    def __add__(self, other: "Told") -> "Told":
        def both(one: tuple[str, ...], two: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(dict.fromkeys((*one, *two)))

        return Told(self.source, self.requirements + other.requirements, both(self.extras, other.extras),
                    both(self.commands, other.commands), both(self.system, other.system),
                    both(self.pythons, other.pythons))  # fmt: skip


def read_script(lines: Iterable[str], source: str, tree: Path) -> Told:
    """Shell lines of the file `source`."""
    told = Told(source)
    text = _SUBSTITUTED.sub("", "\n".join(lines).replace("\\\n", " "))
    for part in _JOINS.split(text)[:_MAX_LINES]:
        try:
            words = shlex.split(part, comments=True)
        except ValueError:  # a quote that some later line closes
            continue
        told += read_words(words, source, tree)
    return told


def read_words(words: Sequence[str], source: str, tree: Path) -> Told:
    """One command."""
    words = _stripped([word for word in words if word])
    if not words:
        return Told(source)
    program, *rest = words
    if _PYTHONS.match(program):
        if rest[:1] == ["-m"] and len(rest) > 1:
            program, *rest = rest[1:]
            if program in ("coverage", "trace"):
                return read_words(_covered(rest), source, tree)
        elif rest and (_RUN_TESTS.search(rest[0]) or rest[:2] == ["setup.py", "test"]):
            return Told(source, commands=(shlex.join(["python", *rest]),))
        else:
            return Told(source)
    if program == "coverage":
        return read_words(_covered(rest), source, tree)
    return _read_program(program, rest, source, tree)


def _read_program(program: str, rest: list[str], source: str, tree: Path) -> Told:
    if program in ("pytest", "py.test"):
        return Told(source, commands=("python -m pytest",))
    if program == "unittest":
        return Told(source, commands=(shlex.join(["python", "-m", "unittest", *rest]),))
    if program in ("nosetests", "nose", "nose2", "trial"):
        return Told(source, commands=(shlex.join([program, *rest]),))
    if program in ("make", "tox", "nox") and (program != "make" or rest[:1] in (["test"], ["tests"], ["check"])):
        return Told(source, commands=(shlex.join([program, *rest]),))
    if program in ("pip", "pip3") and rest[:1] == ["install"]:
        return _installed(rest[1:], source, tree)
    if program == "uv" and rest[:2] == ["pip", "install"]:
        return _installed(rest[2:], source, tree)
    if program in ("apt-get", "apt") and "install" in rest:
        named = [word for word in rest[rest.index("install") + 1 :] if PACKAGE.match(word)]
        return Told(source, system=tuple(dict.fromkeys(named)))
    if (program, rest[:1]) in (("go", ["test"]), ("cargo", ["test"]), ("npm", ["test"])):
        return Told(source, commands=(f"{program} test",))
    return Told(source)


def _installed(words: Sequence[str], source: str, tree: Path) -> Told:
    """What follows `pip install`."""
    told, waiting = Told(source), list(words)
    while waiting:
        word = waiting.pop(0)
        if word in ("-r", "--requirement") and waiting:
            told += Told(source, read_requirements(tree, waiting.pop(0)) or NOTHING)
        elif word in ("-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links") and waiting:
            waiting.pop(0)
        elif match := _EXTRAS.match(word):
            told += Told(source, extras=tuple(name.strip().lower() for name in match[1].split(",")))
        elif word not in (".", "pip", "setuptools", "wheel") and not word.startswith(("-", "./", "$", "{", "/")):
            told += Told(source, Requirements(accept([word], source).accepted))
    return told


def _stripped(words: list[str]) -> list[str]:
    """Without what stands before the command: assignments, `sudo`, `poetry run`."""
    while words:
        words = [words[0].lstrip("@-"), *words[1:]] if words[0].startswith(("@", "-")) else words
        before = next((item for item in _BEFORE if tuple(words[: len(item)]) == item), ())
        if before:
            words = words[len(before) :]
        elif not words[0] or _ASSIGNMENT.match(words[0]):
            words = words[1:]
        else:
            break
    return words


def _covered(words: list[str]) -> list[str]:
    """`coverage run [options] -m pytest` → `python -m pytest`; of the options none takes a word of its own here."""
    if words[:1] != ["run"]:
        return []
    if "-m" in words:
        return ["python", *words[words.index("-m") :]]
    program = next((index for index, word in enumerate(words[1:], 1) if not word.startswith("-")), len(words))
    return ["python", *words[program:]]
