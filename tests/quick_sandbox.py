"""A sandbox in memory that runs tests of plain Python in this process: milliseconds where a real one takes a second.

It knows the few commands that the team's tests use, and complains of any other. Modules of the tree are imported by a
loader of its own, so that nothing of them is left in `sys.modules`.
"""

import builtins
import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from agents.touched import CHANGED, MARK
from sandbox.api import MEBIBYTE, NO_ENV, ExecResult


class QuickSandbox:
    kind = "quick"
    workdir = "/tree"

    def __init__(self, tree: Path) -> None:
        places = [path for path in tree.rglob("*") if path.is_file() and ".git" not in path.relative_to(tree).parts]
        self.files = {str(path.relative_to(tree)): path.read_bytes() for path in places}
        self.closed = False
        self._changed: set[str] = set()

    def exec(
        self,
        command: Sequence[str] | str,
        *,
        cwd: str = "",
        env: Mapping[str, str] = NO_ENV,
        stdin: bytes = b"",
        timeout: float = 60.0,
        max_output: int = MEBIBYTE,
        attested: bool = False,
    ) -> ExecResult:
        assert not self.closed, "used after it was closed"
        argv = [command] if isinstance(command, str) else list(command)
        found = self._harness(argv, env) or self._shell(argv)
        assert found is not None, f"this sandbox does not know {command!r}"
        return found

    def _harness(self, argv: list[str], env: Mapping[str, str]) -> ExecResult | None:
        """What the harness itself asks for."""
        match argv:
            case ["/bin/sh", "-c", line, "sh", *selection] if "-m pytest" in line:
                return self._pytest(selection, env["SOLVE_REPORT"])
            case [line] if line.startswith("printf"):
                return done("/tmp")
            case [line] if line == MARK:
                self._changed.clear()
                return done("")
            case [line] if line == CHANGED:
                names, self._changed = sorted(self._changed), set()
                return done("".join(f"./{name}\0" for name in names))
            case ["rm", "-f", "--", path]:
                self.files.pop(path, None)
                return done("")
            case ["test", "-x", _]:
                return done("", 1)
        return None

    def _shell(self, argv: list[str]) -> ExecResult | None:
        """What a model asks for."""
        match argv:
            case ["ls", *_, path]:
                inside = {name.removeprefix(f"{path}/").split("/")[0] for name in self.files if name.startswith(path)}
                return done("\n".join(sorted(inside)))
            case ["grep", *_, query, "."]:
                return done("\n".join(self._grep(query)))
            case [line] if line.startswith("cat "):
                return done(self.files[line[4:]].decode())
            case [line] if line.startswith("overwrite "):
                _, path, text = line.split(" ", 2)
                self.write(path, text.encode())
                return done("")
            case [line] if line.startswith("echo "):
                return done(line[5:])
        return None

    def read(self, path: str, *, max_bytes: int = 16 * MEBIBYTE) -> bytes:
        if path not in self.files:
            if any(name.startswith(f"{path}/") for name in self.files):
                raise IsADirectoryError(21, "Is a directory", path)
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        self.files[path] = data
        self._changed.add(path)

    def copy_in(self, source: Path, path: str) -> None:
        raise NotImplementedError

    def copy_out(self, path: str, target: Path, *, max_bytes: int = 0, max_members: int = 0) -> None:
        raise NotImplementedError

    def snapshot(self) -> str:
        raise NotImplementedError

    def reset(self, snapshot: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _grep(self, query: str) -> Iterator[str]:
        for path, data in self.files.items():
            for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
                if query in line:
                    yield f"./{path}:{number}:{line}"

    def _pytest(self, selection: list[str], report: str) -> ExecResult:
        wanted = selection or sorted(path for path in self.files if Path(path).name.startswith("test_"))
        rows = [row for name in wanted for row in self._cases(*name.partition("::")[::2])]
        failed = any(row["outcome"] == "failed" for row in rows)
        code = 5 if not rows else int(failed)
        self.files[report] = "".join(json.dumps(row) + "\n" for row in [*rows, {"end": code}]).encode()
        return done(f"{len(rows)} tests", code)

    def _cases(self, path: str, only: str) -> Iterator[dict[str, Any]]:
        try:
            module = Importer(self.files).load(path)
        except BaseException as error:  # whatever a test file does, as pytest reports it
            yield {"id": path, "when": "setup", "outcome": "failed", "message": repr(error)}
            return
        for name, function in vars(module).items():
            if name.startswith("test") and (not only or name == only):
                yield {"id": f"{path}::{name}", "when": "call", **outcome(function)}


class Importer:
    """Imports from a dict of files, and from nowhere else but the standard library."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._loaded: dict[str, types.ModuleType] = {}

    def load(self, path: str) -> types.ModuleType:
        module = types.ModuleType(path)
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
        exec(compile(self._files[path], path, "exec"), module.__dict__)
        return module

    def _import(self, name: str, given: Any = None, local: Any = None, names: Any = (), level: int = 0) -> Any:
        path = name.replace(".", "/") + ".py"
        if path not in self._files:
            return __import__(name, given, local, names, level)
        if path not in self._loaded:
            self._loaded[path] = self.load(path)
        return self._loaded[path]


def outcome(function: Callable[[], None]) -> dict[str, str]:
    try:
        function()
    except BaseException as error:  # as above
        return {"outcome": "failed", "message": f"{type(error).__name__}: {error}"}
    return {"outcome": "passed"}


def done(text: str, code: int = 0) -> ExecResult:
    return ExecResult(code, text.encode(), b"", 0.0)
