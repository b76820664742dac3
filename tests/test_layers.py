"""Rooms import downward only: sandbox < tasks < agents."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

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


def test_imports_go_down() -> None:
    found = {str(path): upward(parsed(path), path.relative_to(TOP).parts[0]) for path in SOURCES}
    assert {path: names for path, names in found.items() if names} == {}


def test_an_upward_import_is_found() -> None:
    assert upward(ast.parse("def f():\n    from agents.run import cli\n"), "sandbox") == {"agents.run"}


def test_only_the_top_room_wires() -> None:
    """Nothing below `agents/run/` imports it."""
    below = [path for path in SOURCES if not path.is_relative_to(TOP / "agents" / "run")]
    found = {str(path): {name for name in imported(parsed(path)) if name.startswith("agents.run")} for path in below}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_measurement_runs_code_on_the_host() -> None:
    """An edit of click's pager, whose last line unlinks a file, once unlinked the pager: the machine's `cat`."""
    measured = sorted((TOP / "tests" / "bench").glob("*.py"))
    assert [str(path) for path in measured if "sandbox.local" in imported(parsed(path))] == []
    assert [str(path) for path in measured if 'Image("local"' in path.read_text()] == []


def test_files_stay_small() -> None:
    assert [str(path) for path in SOURCES if path.read_text().count("\n") > 300] == []


def test_functions_stay_small() -> None:
    assert [
        f"{path}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and node.end_lineno and node.end_lineno - node.lineno >= 60
    ] == []


def test_import_is_light() -> None:
    """`solve --help` loads neither the engine's client nor the model's."""
    heavy = "{'docker', 'openai', 'langgraph', 'git', 'tree_sitter'}"
    code = f"import sys, agents.run.cli, agents.run.commands; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "[]"
