"""What CI workflows, nox sessions and make targets say of how a repository is tested, read as data.

YAML is only composed into nodes, never constructed: merge keys and aliases that multiply would take all memory.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from sandbox.discovery.requirements import read_text
from sandbox.discovery.script import Told, read_script, read_words
from sandbox.pysyntax import UNPARSABLE, parse

_MAX_CHARACTERS = 100_000  # of one workflow
_MAX_NODES = 20_000
_MAX_FILES = 12
_SCRIPTS = frozenset({"run", "script", "install", "before_install", "before_script", "bash", "command"})
_PYTHONS = frozenset({"python-version", "python_version", "python", "python-versions"})
_VERSION = re.compile(r"^3\.\d+$")
_TARGET = re.compile(r"^(test|tests|check|unittest|unit)\s*:(?!=)", re.MULTILINE)
_OTHERS = (".gitlab-ci.yml", ".travis.yml", ".circleci/config.yml", "azure-pipelines.yml", ".cirrus.yml")


def read_workflows(tree: Path) -> list[Told]:
    """One for each CI file that says anything; those with tests in their name first."""
    names = [path.relative_to(tree).as_posix() for pattern in ("*.yml", "*.yaml")
             for path in sorted((tree / ".github" / "workflows").glob(pattern))]  # fmt: skip
    names.sort(key=lambda name: (not re.search(r"test|ci|build|main", Path(name).name), name))
    found = [_read_workflow(tree, name) for name in (*names[:_MAX_FILES], *_OTHERS)]
    return [told for told in found if told != Told(told.source)]


def _read_workflow(tree: Path, name: str) -> Told:
    text = read_text(tree, name)
    if text is None or len(text) > _MAX_CHARACTERS:
        return Told(name)
    try:
        top = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return Told(name)
    scripts, pythons = [], []
    for key, value in _pairs(top):
        if key in _SCRIPTS:
            scripts += _scalars(value)
        elif key in _PYTHONS:
            pythons += [item for item in _scalars(value) if _VERSION.match(item)]
    return read_script(scripts, name, tree) + Told(name, pythons=tuple(dict.fromkeys(pythons)))


def _pairs(top: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Every key with its value, each node once, whatever points to it."""
    waiting, seen = [top] if top is not None else [], set[int]()
    while waiting and len(seen) < _MAX_NODES:
        node = waiting.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield str(key.value) if isinstance(key, yaml.ScalarNode) else "", value
                waiting.append(value)
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _scalars(node: yaml.Node) -> list[str]:
    """A scalar, or those of a list."""
    items = node.value[:_MAX_NODES] if isinstance(node, yaml.SequenceNode) else [node]
    return [str(item.value) for item in items if isinstance(item, yaml.ScalarNode)]


def read_nox(tree: Path) -> Told | None:
    """The calls `session.install(...)` and `session.run(...)` of noxfile.py, in functions named for tests."""
    text = read_text(tree, "noxfile.py")
    if text is None:
        return None
    try:
        module = parse(text)
    except UNPARSABLE:
        return None
    told = Told("noxfile.py")
    for function in module.body:
        if isinstance(function, ast.FunctionDef) and "test" in function.name:
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    told += _read_call(node.func.attr, node.args, tree)
    return told


def _read_call(name: str, arguments: list[ast.expr], tree: Path) -> Told:
    words = [item.value for item in arguments if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    before = {"install": ["pip", "install"], "run": [], "run_always": []}.get(name)
    return Told("noxfile.py") if before is None else read_words([*before, *words], "noxfile.py", tree)


def read_makefile(tree: Path) -> Told | None:
    """The recipe of the target that runs tests."""
    for name in ("Makefile", "makefile", "GNUmakefile"):
        text = read_text(tree, name) or ""
        if match := _TARGET.search(text):
            lines = text[match.end() :].splitlines()[1:]
            recipe = []
            for line in lines:
                if line.strip() and not line.startswith(("\t", "#")):
                    break
                recipe.append(line.strip().lstrip("@-+").replace("$(PYTHON)", "python").replace("$(MAKE)", "make"))
            return read_script(recipe, name, tree) + Told(name, commands=(f"make {match[1]}",))
    return None
