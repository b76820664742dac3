"""Where one role works: a sandbox with the tree as edited so far, and the edits, kept on the host.

The edits are the truth, the sandbox only runs them: a sandbox that is lost is opened again with the same files in it.
Each act is remembered with what it brought and changed, so that a resumed run does nothing twice.
"""

import base64
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from agents import tools
from agents.edits import EditRefused
from agents.edits import replace as replace_text
from agents.evidence import describe
from agents.record import Json, digest
from agents.redefine import home, redefine
from agents.room import clipped
from agents.state import Files
from agents.syntax import broken
from agents.touched import changed, made_by_tools, mark
from agents.treepath import inside, is_file, write_files
from sandbox.api import MEBIBYTE, PathRefused, Sandbox
from sandbox.testlog import TestReport
from sandbox.testrun import run_tests, selects
from tasks.solvers import Site

LINES = 250  # of one view
WIDTH = 400  # characters of one line
MOST_ADOPTED = 200  # files that one command may change
MOST_LACKING = 20  # failing tests that are run on the base too
GREP = ("grep", "-rnIF", "-m", "20", "--exclude-dir=.git", "--")
QUICK = 20.0  # seconds that any tests have
SLOWER = 10  # times as long as on the base they may take
HITS = 40  # lines of a search


class Memory(Protocol):
    """What a seat did and what it brought: a journal, or one that is played back."""

    def remember(self, seat: str, number: int, key: str, make: Callable[[], Json]) -> Json: ...


class Finder(Protocol):
    """Finds code by text or by words, in the base tree."""

    def __call__(self, query: str) -> str: ...


class Desk:
    """Use as a context manager: leaving it closes the sandbox."""

    def __init__(
        self,
        site: Site,
        seat: str,
        memory: Memory,
        find: Finder,
        homes: Callable[[str], Collection[str]],
        clean: Callable[[str], str],
        *,
        most: int,
        given: Files = MappingProxyType({}),
        showing: Collection[str] = (),
    ) -> None:
        """`given`: files that stand in the sandbox and are not to be edited; `showing`: tests run where none are named.
        `homes`: the files that define a name.

        `most`: characters of what a tool brings. `clean` takes secrets out of that, before anything sees it.
        """
        self.files: dict[str, bytes | None] = {}
        self.acts = 0  # done so far; a talk that goes on goes on counting
        self.passed = False  # every test of the last test run
        self.showing = tuple(sorted(showing))
        self._given = given
        self._most = most
        self._site = site
        self._seat = seat
        self._memory = memory
        self._find = find
        self._homes = homes
        self._clean = clean
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *error: object) -> None:
        if self._sandbox is not None:
            self._sandbox.close()

    def put(self, files: Files) -> None:
        """Start from these edits."""
        self.files.update(files)
        if self._sandbox is not None:
            write_files(self._sandbox, files)

    def restore(self, files: Files) -> None:
        """Go back to these edits."""
        gone, tree = [path for path in self.files if path not in files], self._site.tree
        base = {path: (tree / path).read_bytes() if is_file(tree, path) else None for path in gone}
        self.files.clear()
        self.put({**base, **files})
        for path in gone:
            del self.files[path]

    def act(self, call: tools.Tool) -> str:
        """Do what a model asks for; what it brings is text for it, whatever goes wrong with the call itself.

        Raises:
            SandboxUnavailable: the machine is gone.
        """
        self.acts += 1
        key = digest([call.name, call.model_dump()])
        result = self._memory.remember(self._seat, self.acts, key, lambda: self._make(call))
        brought = {path: _bytes(content) for path, content in result["files"].items()}
        self.put({path: content for path, content in brought.items() if self.files.get(path, b"\0") != content})
        self.passed = bool(result["passed"])
        return str(result["text"])

    def _make(self, call: tools.Tool) -> Json:
        before = dict(self.files)
        self.passed = False
        try:
            text = self._do(call)
        except (FileNotFoundError, IsADirectoryError, PermissionError, NotADirectoryError) as error:
            text = f"{getattr(call, 'path', '')}: {error.strerror or error}"
        except (PathRefused, EditRefused) as error:
            text = str(error)
        changed = {path: content for path, content in self.files.items() if before.get(path, b"\0") != content}
        files = {path: _text(changed[path]) for path in changed}
        return {"text": clipped(self._clean(text), self._most), "files": files, "passed": self.passed}

    def _do(self, call: tools.Tool) -> str:
        match call:
            case tools.View():
                return self._view(call)
            case tools.Search():
                return self._search(call)
            case tools.Edit():
                return self._edit(call)
            case tools.Define():
                return self._define(call)
            case tools.Create():
                return self._create(call)
            case tools.Delete():
                path = inside(call.path)
                self.sandbox.read(path)
                self._set(path, None)
                return f"{path} is removed"
            case tools.Run():
                return self._run(call)
            case tools.Test():
                return self._test(call)
            case _:
                raise TypeError(f"a desk does not {call.name}")

    @property
    def sandbox(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = self._site.open()
            write_files(self._sandbox, {**self.files, **self._given})
            mark(self._sandbox)
        return self._sandbox

    def _view(self, call: tools.View) -> str:
        try:
            text = self.sandbox.read(call.path).decode("utf-8", "replace")
        except IsADirectoryError:
            return self.sandbox.exec(["ls", "-1ApL", "--", call.path], timeout=20).text()
        lines = text.splitlines()
        if call.start > max(1, len(lines)):
            return f"{call.path} has {len(lines)} lines"
        end = min(len(lines), call.end or call.start + LINES - 1, call.start + 2 * LINES)
        shown = [f"{number:6}\t{lines[number - 1][:WIDTH]}" for number in range(call.start, end + 1)]
        more = [f"({len(lines) - end} more lines)"] if end < len(lines) else []
        return "\n".join([*shown, *more]) or "(the file is empty)"

    def _search(self, call: tools.Search) -> str:
        """Where the text stands as it is, by grep; then definitions that fit, by the index of the base tree."""
        done = self.sandbox.exec([*GREP, call.query, "."], timeout=60, max_output=MEBIBYTE)
        hits = sorted(line.removeprefix("./")[:WIDTH] for line in done.stdout.decode("utf-8", "replace").splitlines())
        more = [f"({len(hits) - HITS} more)"] if len(hits) > HITS else []
        exact = "\n".join([*hits[:HITS], *more]) or "stands nowhere"
        return f"As text:\n{exact}\n\nDefinitions that fit:\n{self._find(call.query)}"

    def _edit(self, call: tools.Edit) -> str:
        path, before = self._source(call.path)
        edited = replace_text(before, call.search, call.replace)
        self._accept(path, before.encode(), edited.text.encode())
        noted = f" ({edited.how})" if edited.how else ""
        return f"{path} is edited at line {edited.line}{noted}"

    def _define(self, call: tools.Define) -> str:
        known = call.path in self.files or is_file(self._site.tree, call.path)  # weak models make paths up
        path, before = self._source(call.path if known else home(call.code, self._homes))
        edited = redefine(path, before, call.code)
        self._accept(path, before.encode(), edited.text.encode())
        return f"{path} is edited at line {edited.line}"

    def _source(self, asked: str) -> tuple[str, str]:
        path = inside(asked)
        try:
            return path, self.sandbox.read(path).decode("utf-8")
        except UnicodeDecodeError:
            raise EditRefused(f"{path} is not UTF-8 text: it cannot be edited here") from None

    def _create(self, call: tools.Create) -> str:
        path = inside(call.path)
        before = b""
        with suppress(FileNotFoundError):
            before = self.sandbox.read(path)
        self._accept(path, before, call.content.encode())
        return f"{path} is written, {len(call.content.splitlines())} lines"

    def _accept(self, path: str, before: bytes, after: bytes) -> None:
        problem = broken(path, before, after)
        if problem:
            raise EditRefused(f"not accepted: {path} would no longer parse; {problem}")
        self._set(path, after)

    def _set(self, path: str, content: bytes | None) -> None:
        if path in self._given:
            raise EditRefused(f"{path} holds the test that shows the issue, and stays as it is")
        self.files[path] = content
        write_files(self.sandbox, {path: content})

    def _run(self, call: tools.Run) -> str:
        seconds = max(1.0, min(call.seconds, self._site.budget.seconds_left))
        done = self.sandbox.exec(call.command, timeout=seconds, max_output=2 * MEBIBYTE)
        ended = f"ended after {seconds:.0f} s" if done.timed_out else f"exit status {done.exit_code}"
        kept, strange = self._adopt()
        notes = [f"changed: {', '.join(kept)}"] if kept else []
        notes += [f"not part of the patch, unless you create them: {', '.join(strange)}"] if strange else []
        return "\n".join([clipped(done.text().rstrip(), self._most), f"[{ended}]", *notes]).lstrip()

    def _test(self, call: tools.Test) -> str:
        chosen = call.tests or self.showing
        seconds = max(1.0, min(self._patience(chosen), self._site.budget.seconds_left))
        report = run_tests(self.sandbox, self._site.test_command, chosen, timeout=seconds)
        self._adopt()
        self.passed = report.usable and bool(report.cases) and not report.ids("failed", "error")
        return describe(report, self._before(report), self.showing)

    def _patience(self, chosen: Collection[str]) -> float:
        """Seconds for these tests: an edit may have made an endless loop of what the base ran in a moment."""
        baseline, cases = self._site.baseline, self._site.baseline.cases
        if not selects(self._site.test_command):  # it runs all, and builds them first
            return min(tools.MOST_SECONDS, QUICK + SLOWER * baseline.seconds)
        if not chosen or not all(name in cases for name in chosen):
            return tools.MOST_SECONDS
        return min(tools.MOST_SECONDS, QUICK + SLOWER * sum(cases[name].seconds for name in chosen))

    def _before(self, report: TestReport) -> TestReport:
        """The baseline; with what it lacks of the tests that fail now, run on the base, so that nobody has to guess."""
        baseline = self._site.baseline
        failing = report.ids("failed", "error") - baseline.cases.keys()
        lacking = sorted(name for name in failing if is_file(self._site.tree, name.split("::")[0]))[:MOST_LACKING]
        if not lacking:
            return baseline
        seconds = max(1.0, min(tools.MOST_SECONDS, self._site.budget.seconds_left))
        with self._site.open() as sandbox:
            found = run_tests(sandbox, self._site.test_command, lacking, timeout=seconds)
        return replace(baseline, cases={**baseline.cases, **found.cases})

    def _adopt(self) -> tuple[list[str], list[str]]:
        """Take over what a command changed in files of the tree; name the new files that it left."""
        paths = changed(self.sandbox)
        kept: list[str] = []
        strange: list[str] = []
        for path in paths:
            if path in self._given:
                continue
            known = path in self.files or is_file(self._site.tree, path)
            if not known and not made_by_tools(path):
                strange.append(path)
            elif known and len(kept) < MOST_ADOPTED:
                content = self.sandbox.read(path)
                if content != self._content(path):
                    self.files[path] = content
                    kept.append(path)
        return kept, strange[:5]

    def _content(self, path: str) -> bytes | None:
        return self.files[path] if path in self.files else (self._site.tree / path).read_bytes()


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
