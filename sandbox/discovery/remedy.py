"""What a failed build or test run printed → the one change of the recipe that it asks for (pure).

A closed table of symptoms, the most specific first. What the text names is hostile: it chooses among known packages,
or must be a plain distribution or module name.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from sandbox.discovery import debian, npm, pypi
from sandbox.discovery.recipe import Evidence, Recipe

Kind = Literal["system", "requirement", "build requirement", "without", "without system", "python", "test command"]
LEARNED = "an earlier try"  # the source of what was learned from a failure
_NAME = r"([A-Za-z0-9][\w.-]*)"


@dataclass(frozen=True, slots=True)
class Remedy:
    kind: Kind
    value: str  # a Debian package, a PEP 508 line, a distribution's name, a specifier of Python, a command
    symptom: str  # the words that asked for it, one line

    def of(self, recipe: Recipe) -> Recipe:
        """The recipe with this change."""
        said = Evidence(self.kind, self.value, LEARNED, self.symptom, "medium")
        changed = replace(recipe, evidence=(*recipe.evidence, said))
        if self.kind == "system":
            more = (self.value, *debian.WITH.get(self.value, ()))
            return replace(changed, system=tuple(dict.fromkeys((*recipe.system, *more))))
        if self.kind == "python":
            return replace(
                changed, requires_python=",".join(part for part in (recipe.requires_python, self.value) if part)
            )
        if self.kind == "build requirement":
            return replace(changed, build_requires=_with(recipe.build_requires, self.value))
        if self.kind == "test command":
            return replace(changed, test_command=self.value)
        if self.kind == "without system":
            return replace(changed, system=tuple(name for name in recipe.system if name != self.value))
        if self.kind == "without" and recipe.language == "javascript":
            return replace(changed, manifests=npm.without(recipe.manifests, self.value))
        if self.kind == "without":
            return replace(changed, requirements=_without(recipe.requirements, self.value))
        return replace(changed, requirements=_with(recipe.requirements, self.value))


def remedies(text: str, recipe: Recipe, own: Collection[str] = ()) -> Iterator[Remedy]:
    """What may help, the most plausible first. `own`: top-level names in the tree, which no index has.

    Of other languages than Python only programs, headers and libraries are known.
    """
    table = _TABLE if recipe.language == "python" else [row for row in _TABLE if row[1].endswith("system")]
    table = [*table, *_NPM] if recipe.language == "javascript" else table
    for pattern, kind, find in table:
        for match in re.finditer(pattern, text):
            name = match[1] if match.re.groups and match[1] else ""
            value = find(name, recipe)
            if value and name.partition(".")[0] not in own:
                yield Remedy(kind, value, " ".join(match[0].split())[:160])
    if recipe.language == "python":
        yield from _of_python(text, recipe)


def _of_python(text: str, recipe: Recipe) -> Iterator[Remedy]:
    """Another Python, where the text says which; among older ones the newest that the repository was tested with."""
    for patterns, operator in ((pypi.TOO_NEW, "<"), (pypi.TOO_OLD, ">=")):
        for pattern, version in patterns:
            if match := re.search(pattern, text):
                yield _python(f"{operator}{version}", match[0])
    for pattern, versions, operator in (
        (r"No module named '([\w.]+)'", pypi.LEFT, "<"),
        (r"No module named '(\w+)'", pypi.CAME, ">="),
    ):
        for match in re.finditer(pattern, text):
            if match[1] in versions:
                yield _python(f"{operator}{versions[match[1]]}", match[0])
    match = re.search(r"requires a different Python: [\d.]+ not in '([^']{1,60})'", text)
    if match and _specifier(match[1]):
        yield _python(match[1], match[0])
    if re.search(r"SyntaxError: (?:invalid syntax|Missing parentheses)", text):
        tested = next((item for item in recipe.following if item.what == "python"), None)
        if tested and tested.value not in recipe.requires_python:
            yield _python(tested.value, "SyntaxError: invalid syntax")


def _python(specifier: str, symptom: str) -> Remedy:
    return Remedy("python", specifier, " ".join(symptom.split())[:160])


def _module(name: str, recipe: Recipe) -> str:
    """The distribution that has a module: as a line of the repository's own has it, as the table says, by its name."""
    top = name.partition(".")[0]
    if top in pypi.LEFT or top in pypi.CAME or name in pypi.LEFT:
        return ""
    wanted = pypi.MODULES.get(top, top)
    known = [item.value for item in recipe.following if item.what == "requirement"]
    stated = next((line for line in known if _normal(line) == _normal(wanted)), None)
    return _unless_there(stated or wanted, recipe)


def _plain(name: str, recipe: Recipe) -> str:
    return _unless_there(name, recipe)


def _unless_there(line: str, recipe: Recipe) -> str:
    try:
        name = _normal(line)
    except InvalidRequirement:
        return ""
    return "" if name in {_normal(item) for item in recipe.requirements} | {recipe.name} else line


def _from(table: Mapping[str, str]) -> Callable[[str, Recipe], str]:
    def find(name: str, recipe: Recipe) -> str:
        found = table.get(name, "")
        return "" if found in recipe.system else found

    return find


def _header(name: str, recipe: Recipe) -> str:
    """By the whole path, else by the folder or the file alone."""
    keys = (name, *(key for key in debian.HEADERS if key.partition("/")[0] == name.partition("/")[0] and "/" in name))
    found = next((debian.HEADERS[key] for key in keys if key in debian.HEADERS), "")
    return "" if found in recipe.system else found


def _plugin(option: str, recipe: Recipe) -> str:
    words = (value for key, value in pypi.OPTIONS.items() if option == key or option.startswith((f"{key}=", f"{key}-")))
    return _unless_there(next(words, ""), recipe)


def _fixture(name: str, recipe: Recipe) -> str:
    return _unless_there(pypi.FIXTURES.get(name, ""), recipe)


def _dropped(name: str, recipe: Recipe) -> str:
    """A requirement that cannot be had is left out: linters and pins of long ago stand in many lists."""
    return name if any(_normal(line) == canonicalize_name(name) for line in recipe.requirements) else ""


def _not_debian(name: str, recipe: Recipe) -> str:
    """A package that only another release, or a relative of Debian, has."""
    return name if name in recipe.system else ""


def _not_on_npm(name: str, recipe: Recipe) -> str:
    return name if npm.without(recipe.manifests, name) != recipe.manifests else ""


def _older_pytest(_: str, recipe: Recipe) -> str:
    return "" if any("pytest<8" in line for line in recipe.requirements) else "pytest<8"


def _no_settings(_: str, recipe: Recipe) -> str:
    """Settings of a pytest of long ago end today's before it begins; whichever they are, it runs without them."""
    return f"{recipe.test_command} -c /dev/null --rootdir ." if recipe.test_command == "python -m pytest" else ""


def _build(name: str, recipe: Recipe) -> str:
    wanted = pypi.MODULES.get(name.partition(".")[0], name.partition(".")[0])
    return "" if _normal(wanted) in {_normal(line) for line in recipe.build_requires} else wanted


_TABLE: tuple[tuple[str, Kind, Callable[[str, Recipe], str]], ...] = (
    (r"fatal error: ([\w./+-]+\.h): No such file", "system", _header),
    (r"(?:command|program) '?([\w.+-]+)'? (?:failed: No such file|not found)", "system", _from(debian.PROGRAMS)),
    (r"(?:No such file or directory|\[Errno 2\][^\n]*): '([\w.+-]+)'", "system", _from(debian.PROGRAMS)),
    (r"([\w.+-]+): (?:command )?not found", "system", _from(debian.PROGRAMS)),
    (r"(pg_config|mysql_config|xml2-config|xslt-config)\b[^\n]*(?:not found|is required|No such file)", "system",
     _from(debian.PROGRAMS)),
    (r"cannot find -l([\w.+-]+)", "system", _from(debian.LIBRARIES)),
    (r"No package '([\w.+-]+)' found", "system", _from(debian.LIBRARIES)),
    (r"lib([\w+-]+)\.so[.\d]*: cannot open shared object file", "system", _from(debian.LIBRARIES)),
    (r"E: Unable to locate package ([a-z0-9][a-z0-9+.-]*)", "without system", _not_debian),
    (r"E: Package '?([a-z0-9][a-z0-9+.-]*?)'? has no installation candidate", "without system", _not_debian),
    (r"(rustc|cargo)\b[^\n]*(?:is not installed|not found)", "system", _from(debian.PROGRAMS)),
    (r"Could not find (?:an )?executable:? '?(cmake|ninja|pkg-config|gfortran)", "system", _from(debian.PROGRAMS)),
    (r"(?:Backend|Cannot import) '([A-Za-z_]\w*[\w.]*)'", "build requirement", _build),
    (r"Missing required plugins?: " + _NAME, "requirement", _plain),
    (r"unrecognized arguments?: (-[\w=-]+)", "requirement", _plugin),
    (r"Unknown config option: (asyncio_mode|timeout)", "requirement",
     lambda name, recipe: _unless_there({"timeout": "pytest-timeout"}.get(name, "pytest-asyncio"), recipe)),
    (r"async def functions are not natively supported", "requirement",
     lambda _, recipe: _unless_there("pytest-asyncio", recipe)),
    (r"fixture '(\w+)' not found", "requirement", _fixture),
    (r"module 'py' has no attribute '(?:test|path|code|io)'", "requirement",
     lambda _, recipe: _unless_there("py", recipe)),
    (r"(?:No time zone found with key|ZoneInfoNotFoundError)", "requirement",
     lambda _, recipe: _unless_there("tzdata", recipe)),
    (r"PytestRemovedIn([89])Warning", "requirement", _older_pytest),
    (r"Argument\(s\) \{'(path|startdir|fspath)'[^}]*\} are declared in the hookimpl", "requirement", _older_pytest),
    (r"\[pytest\] section in setup.cfg files is no longer supported", "test command", _no_settings),
    (r"No module named '?([A-Za-z_][\w.]*)'?", "requirement", _module),
    (r"DistributionNotFound: The '([A-Za-z0-9][\w.-]*)", "requirement", _plain),
    (r"No package metadata was found for " + _NAME, "requirement", _plain),
    (r"No matching distribution found for " + _NAME, "without", _dropped),
    (r"no wheel and no source distribution of " + _NAME, "without", _dropped),
)  # fmt: skip


_NPM: tuple[tuple[str, Kind, Callable[[str, Recipe], str]], ...] = (
    (r"404\s+'((?:@[\w.~-]+/)?[\w.~-]+)@[^\s']*' is not in this registry", "without", _not_on_npm),
)


def _with(lines: tuple[str, ...], line: str) -> tuple[str, ...]:
    """A new line replaces what another one asked of the same distribution."""
    return (*_without(lines, Requirement(line).name), line)


def _without(lines: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(item for item in lines if _normal(item) != canonicalize_name(name))


def _normal(line: str) -> str:
    return canonicalize_name(Requirement(line).name)


def _specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True
