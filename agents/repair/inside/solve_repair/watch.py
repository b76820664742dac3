"""Which lines of the worktree run, and what types their variables have.

Each new line goes to a file by a write of its own, so that a test which is killed leaves its coverage.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from types import CodeType, FrameType
from typing import Any

_SKIP = ("/site-packages/", "/dist-packages/", "/.tox/", "/.nox/", "/.venv/", "/venv/")
_SAMPLES = 12  # calls of one function whose variables are looked at
_NAMES = 60  # variables or attributes kept of one


class Watch:
    """The log's lines: `F id path`, `T test`, `L file line`, `V json`."""

    def __init__(self, root: str, log: str) -> None:
        self._root = root + os.sep
        self._fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._files: dict[str, int] = {}
        self._seen: set[tuple[int, int]] = set()
        self._sampled: dict[CodeType, int] = {}
        self._types = False
        self._tool = -1

    def begin(self, test: int, types: bool) -> None:
        """From here on lines count for `test`; with `types` variables are noted too."""
        self._write(f"T {test}")
        self._seen.clear()
        self._types = types
        if sys.version_info >= (3, 12):
            self._begin_monitoring()
        else:
            threading.settrace(self._on_call)
            sys.settrace(self._on_call)

    def end(self) -> None:
        if sys.version_info >= (3, 12):
            sys.monitoring.set_events(self._tool, 0)
        else:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]

    def note_stack(self, frame: FrameType | None) -> None:
        """Note the variables of every frame from `frame` outward: the test was interrupted there."""
        while frame is not None:
            if self._file(frame.f_code.co_filename) >= 0:
                self._note(frame)
            frame = frame.f_back

    def _write(self, line: str) -> None:
        os.write(self._fd, line.encode("utf-8", "backslashreplace") + b"\n")

    def _file(self, name: str) -> int:
        known = self._files.get(name)
        if known is None:
            path = os.path.realpath(name)
            inside = path.startswith(self._root) and path.endswith(".py") and not any(part in path for part in _SKIP)
            known = self._files[name] = len(self._files) if inside else -1
            if inside:
                self._write(f"F {known} {path[len(self._root) :]}")
        return known

    def _hit(self, file: int, line: int) -> None:
        if (file, line) not in self._seen:
            self._seen.add((file, line))
            self._write(f"L {file} {line}")

    # Up to 3.11: sys.settrace.

    def _on_call(self, frame: FrameType, event: str, arg: object) -> Any:
        name = frame.f_code.co_filename
        file = self._files.get(name)  # most calls are pytest's own: they must cost little
        return self._on_line if (self._file(name) if file is None else file) >= 0 else None

    def _on_line(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "line":
            self._hit(self._files[frame.f_code.co_filename], frame.f_lineno)
        elif event == "return" and self._types:
            self._note(frame)
        return self._on_line

    # From 3.12: sys.monitoring, which costs nothing for lines that were seen.

    def _begin_monitoring(self) -> None:
        monitoring = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        events = monitoring.events
        if self._tool < 0:
            self._tool = next(tool for tool in (4, 3, 5, 2, 1) if monitoring.get_tool(tool) is None)
            monitoring.use_tool_id(self._tool, "solve-repair")
            monitoring.register_callback(self._tool, events.LINE, self._line_event)
            monitoring.register_callback(self._tool, events.PY_RETURN, self._leave_event)
            monitoring.register_callback(self._tool, events.PY_UNWIND, self._leave_event)
        leave = events.PY_RETURN | events.PY_UNWIND if self._types else 0
        monitoring.set_events(self._tool, events.LINE | leave)
        monitoring.restart_events()

    def _line_event(self, code: CodeType, line: int) -> Any:
        file = self._file(code.co_filename)
        if file >= 0:
            self._hit(file, line)
        return sys.monitoring.DISABLE  # type: ignore[attr-defined,unused-ignore]

    def _leave_event(self, code: CodeType, offset: int, value: object) -> None:
        if self._file(code.co_filename) >= 0:
            self._note(sys._getframe(1))

    def _note(self, frame: FrameType) -> None:
        code = frame.f_code
        samples = self._sampled.get(code, 0)
        if samples >= _SAMPLES:
            return
        self._sampled[code] = samples + 1
        variables = {}
        for name, value in list(frame.f_locals.items())[:_NAMES]:
            variables[name] = [type(value).__name__, _attributes(value)]
        path = os.path.realpath(code.co_filename)[len(self._root) :]
        row = {"path": path, "line": code.co_firstlineno, "name": code.co_name}
        self._write("V " + json.dumps({**row, "variables": variables}))


def _attributes(value: object) -> dict[str, str]:
    """Names and types of an ordinary object's own attributes. Runs none of its code."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    if type(own) is not dict or isinstance(value, type) or type(value).__name__ == "module":
        return {}
    return {name: type(item).__name__ for name, item in list(own.items())[:_NAMES] if type(name) is str}
