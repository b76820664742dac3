"""`setup.py` as a syntax tree: it is a program, and never run."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.discovery.declared import Declared, versions
from sandbox.discovery.requirements import read_requirements, read_text
from sandbox.discovery.tables import lists, string, strings
from sandbox.pysyntax import UNPARSABLE, parse

_COMPUTED = ("install_requires", "extras_require", "tests_require")


def read_setup_py(tree: Path) -> Declared | None:
    text = read_text(tree, "setup.py")
    if text is None:
        return None
    legacy = Declared("setup.py", backend="setuptools.build_meta:__legacy__")
    try:
        module = parse(text)
    except UNPARSABLE:
        return legacy
    call = next((node for node in ast.walk(module) if isinstance(node, ast.Call) and _is_setup(node.func)), None)
    if call is None:
        return legacy
    known = _constants(module)
    given = {item.arg: _evaluate(item.value, known) for item in call.keywords if item.arg}
    for item in call.keywords:  # setup(**settings)
        more = _evaluate(item.value, known) if item.arg is None else None
        given |= more if isinstance(more, dict) else {}
    computed = [item for item in call.keywords if item.arg in _COMPUTED and given.get(item.arg) is None]
    files = {str(item.arg): _named_files(tree, module, item.value) for item in computed}
    given |= {name: lines for name, lines in files.items() if lines}
    tests = strings(given.get("tests_require"))
    extras, directories = given.get("extras_require"), given.get("package_dir")
    return Declared(
        "setup.py",
        name=string(given.get("name")),
        version=string(given.get("version")),
        requires_python=string(given.get("python_requires")),
        requirements=strings(given["install_requires"]) if given.get("install_requires") is not None else None,
        extras=lists(extras) if isinstance(extras, dict) else {},
        groups={"test": tests} if tests else {},
        build_requires=None,
        backend=legacy.backend,
        package_root=string(directories.get("")) if isinstance(directories, dict) else None,
        pythons=versions(strings(given.get("classifiers"))),
        unread=tuple(f"{name} is computed{_as_in(lines)}" for name, lines in files.items()),
    )


def _as_in(lines: tuple[str, ...]) -> str:
    return "; taken from the files that the computation names" if lines else ""


def _named_files(tree: Path, module: ast.Module, value: ast.expr) -> tuple[str, ...]:
    """`install_requires=read("requirements.txt")`: the lines of files that the computation, or what it calls, names."""
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    parts: list[ast.AST] = [value, *(node for node in module.body if names & _defines(node))]
    constants = [node.value for part in parts for node in ast.walk(part) if isinstance(node, ast.Constant)]
    files = [text for text in constants if isinstance(text, str) and text.endswith((".txt", ".in", ".pip"))]
    found = [read_requirements(tree, name) for name in dict.fromkeys(files)]
    return tuple(line for part in found if part for line in part.accepted)


def _defines(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    stored = (item for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store))
    return {item.id for item in stored} if isinstance(node, ast.Assign | ast.With) else set()


def _is_setup(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "setup"


def _constants(module: ast.Module) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = _evaluate(node.value, known)
    return known


def _evaluate(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """A literal, a name bound to one, or a sum of two; None for whatever only running it would tell."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _evaluate(node.left, known), _evaluate(node.right, known)
        return left + right if isinstance(left, list) and isinstance(right, list) else None
    if isinstance(node, ast.Dict):
        keys = [_evaluate(key, known) if key else None for key in node.keys]
        values = [_evaluate(value, known) for value in node.values]
        return {k: v for k, v in zip(keys, values, strict=True) if isinstance(k, str) and v is not None}
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
