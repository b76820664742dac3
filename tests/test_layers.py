"""Rooms import downward only: sandbox < tasks < agents."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
ROOMS = ("sandbox", "tasks", "agents")
SOURCES = sorted(path for room in ROOMS for path in (TOP / room).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def upward(tree: ast.AST, room: str) -> set[str]:
    above = ROOMS[ROOMS.index(room) + 1 :]
    return {name for name in imported(tree) if name.split(".")[0] in above}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_imports_go_down(path: Path) -> None:
    assert upward(parsed(path), path.relative_to(TOP).parts[0]) == set()


def test_an_upward_import_is_found() -> None:
    assert upward(ast.parse("def f():\n    from agents.run import cli\n"), "sandbox") == {"agents.run"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_only_the_top_room_wires(path: Path) -> None:
    """Nothing below `agents/run/` imports it."""
    inside = path.is_relative_to(TOP / "agents" / "run")
    wiring = {name for name in imported(parsed(path)) if name.startswith("agents.run")}
    assert inside or not wiring


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.end_lineno and node.end_lineno - node.lineno >= 60
    }
    assert text.count("\n") <= 300
    assert long == {}


def test_import_is_light() -> None:
    """`solve --help` loads neither the engine's client nor the model's."""
    heavy = "{'docker', 'openai', 'langgraph', 'git', 'tree_sitter'}"
    code = f"import sys, agents.run.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "[]"
