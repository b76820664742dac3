"""A test made of an issue's own example, where it says what should have come of it (pure; nothing is run here).

An example is a session of the interactive prompt, or a snippet, of which the issue says one of:

* what a line should give: `Expected: 4` in prose or a comment, or a session under a line that says `expected`;
* what must hold: an `assert`;
* what it must not end with: a traceback that the issue shows.

That an example fails on the base, and with the exception that was reported, is for the harness to see: one that fails
for another reason (a name that the issue left out) shows nothing, and skips itself.
"""

import ast
import doctest
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sandbox.pysyntax import UNPARSABLE, literal, parse
from tasks.showing import PYTHON, Fenced, default_path, fenced
from tasks.task import Issue, TestFile

SHELLS = frozenset(("", "pycon", "python-repl", "python3-repl", "console", "ipython", "text"))
WORD = (
    r"(?:(?:expected|desired|correct)(?:\s+(?:output|result|behaviou?r|value|outcome))?"
    r"|should\s+(?:be|return|give|print|yield))"
)
STATED = re.compile(
    rf"\b{WORD}\b\s*(?:is|to\s+be|:|->|=>|=)?\s*(?:`+(?P<ticked>[^`\n]+)`|(?P<plain>[^`\n]+))", re.IGNORECASE
)
ENDS = re.compile(r"\s*(?:[,;(]?\s*\b(?:but|instead|rather|not|got|and)\b.*|[.,;])?\s*$", re.IGNORECASE)
PROMPT = re.compile(r"\s*>>> ")
ANNOUNCES = re.compile(rf"\b{WORD}\W*$", re.IGNORECASE)
TRACEBACK = "Traceback (most recent call last)"
RAISED = re.compile(
    r"^(?:\w+\.)*(?P<name>\w*(?:Error|Exception|Warning|Interrupt|Exit|Iteration))(?::.*)?$", re.MULTILINE
)
MOST = 5  # examples of one issue
LONGEST = 20_000  # characters of one


@dataclass(frozen=True, slots=True)
class Example:
    session: str  # as `doctest` reads it, with what each line should give
    raises: str = ""  # the exception that it ends with, as the issue reports


def example_tests(issue: Issue, tree: Collection[str]) -> tuple[TestFile, ...]:
    """One test file for each example that says what should be; none if no example does."""
    taken = {path.lower() for path in tree}
    found = []
    for example in list(examples(issue.body))[:MOST]:
        path = default_path(tree, taken)
        taken.add(path.lower())
        source = TEMPLATE.format(session=example.session, raises=example.raises)
        found.append(TestFile(path, source.encode("utf-8", "replace"), "example"))
    return tuple(found)


def examples(text: str) -> Iterator[Example]:
    """The examples of a text, in their order."""
    parts = list(fenced(with_fences(text)))
    raises = reported(text)
    for number, part in enumerate(parts[:-1]):
        lines = part.code if len(part.code) <= LONGEST else ""
        steps = session(lines) if part.language in SHELLS | PYTHON else ()
        if not any(calls(step) for step, _ in steps):
            continue
        wanted = expected(parts, number)
        if wanted is not None:
            yield Example(written([*steps[:-1], (steps[-1][0], wanted)]), raises)
        elif any(want for _, want in steps) and ANNOUNCES.search(part.prose.rstrip()):
            yield Example(written(steps), raises)
        elif (marked := by_comments(steps)) or any(step.startswith("assert ") for step, _ in steps):
            yield Example(written(marked or steps), raises)
        elif raises:
            yield Example(written([(step, "" if TRACEBACK in want else want) for step, want in steps]), raises)


def with_fences(text: str) -> str:
    """The text with fences about sessions that have none: from a prompt to the next empty line."""
    lines: list[str] = []
    for block in fenced(text):
        inside = False
        for line in [*block.prose.split("\n"), ""]:
            if not inside and PROMPT.match(line):
                lines.append("```pycon")
                inside = True
            elif inside and not line.strip():
                lines.append("```")
                inside = False
            lines.append(line)
        if block.code:
            lines += [f"`````{block.language}", *block.code.rstrip("\n").split("\n"), "`````"]
    return "\n".join(lines)


def session(code: str) -> Sequence[tuple[str, str]]:
    """Statements and what the text says each printed; nothing if the text is neither a session nor a program."""
    if ">>>" in code:
        try:
            found = doctest.DocTestParser().get_examples(code)
        except ValueError:  # a prompt without its blank, lines that are out of line
            return ()
        steps = [(item.source.rstrip("\n"), item.want + (f"{TRACEBACK}\n" if item.exc_msg else "")) for item in found]
        return steps if all(parsed(step) for step, _ in steps) else ()
    module = parsed(code)
    if module is None:
        return ()
    lines = code.split("\n")
    ends = [node.lineno - 1 - len(getattr(node, "decorator_list", ())) for node in module.body[1:]]
    starts = [0, *ends]
    return [("\n".join(lines[start:end]).rstrip(), "") for start, end in zip(starts, [*ends, None], strict=True)]


def expected(parts: Sequence[Fenced], number: int) -> str | None:
    """What the text after a block says that its last line should give: a literal in prose, or a block of its own."""
    for after in parts[number + 1 :]:
        output = after.code if after.language not in PYTHON and ">>>" not in after.code else ""
        if output and ANNOUNCES.search(after.prose.rstrip()):
            return output
        if (literal := stated(after.prose)) or not output:
            return literal
    return None


def stated(prose: str) -> str | None:
    """The first literal that a text says is expected, as the prompt shows it."""
    for found in STATED.finditer(prose):
        value = found["ticked"] or ENDS.sub("", found["plain"])
        try:
            return f"{literal(value.strip())!r}\n"
        except (*UNPARSABLE, TypeError):
            continue  # prose
    return None


def by_comments(steps: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """The steps with what comments beside them say that they should give; nothing if no comment does."""
    marked = []
    for step, want in steps:
        _, mark, comment = step.split("\n")[-1].rpartition("#")
        marked.append((step, (stated(comment) if mark else None) or want))
    return marked if [want for _, want in marked] != [want for _, want in steps] else ()


def reported(text: str) -> str:
    """The name of the exception with which the last traceback of a text ends."""
    names = RAISED.findall(text.rpartition(TRACEBACK)[2]) if TRACEBACK in text else []
    return names[0] if names else ""


def written(steps: Sequence[tuple[str, str]]) -> str:
    """A session as `doctest` reads it."""
    lines = []
    for step, want in steps:
        first, *more = step.split("\n")
        lines += [f">>> {first}", *(f"... {line}" for line in more)]
        lines += ["<BLANKLINE>" if not line.strip() else line for line in want.rstrip("\n").split("\n")] if want else []
    return "\n".join(lines) + "\n"


def calls(step: str) -> bool:
    """Whether a statement does something: it calls, or asserts; a bare literal is somebody's output."""
    module = parsed(step)
    return module is not None and any(isinstance(node, ast.Call | ast.Assert) for node in ast.walk(module))


def parsed(code: str) -> ast.Module | None:
    try:
        module = parse(code)
    except UNPARSABLE:
        return None
    return module if module.body else None


ENDS_OTHERWISE = re.compile("the example ends with .*, of which the issue says nothing")  # how the template says so
TEMPLATE = '''\
"""Made from an example in the issue."""

import doctest

import pytest

SESSION = {session!r}
RAISES = {raises!r}  # what the issue says that it ends with


class Checker(doctest.OutputChecker):
    def check_output(self, want, got, flags):
        return not want or super().check_output(want, got, flags)  # of most lines the issue does not say


class Runner(doctest.DocTestRunner):
    raised = said = ""

    def report_unexpected_exception(self, out, test, example, exc_info):
        if not self.raised:
            self.raised, self.said = exc_info[0].__name__, exc_info[0].__name__ + ": " + str(exc_info[1])
        super().report_unexpected_exception(out, test, example, exc_info)


def test_example():
    said = []
    runner = Runner(Checker(), verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    session = doctest.DocTestParser().get_doctest(SESSION, {{"__name__": "__main__"}}, "issue", None, 0)
    runner.run(session, out=said.append)
    if runner.raised not in ("", "AssertionError", RAISES):
        pytest.skip("the example ends with " + runner.said + ", of which the issue says nothing")
    if runner.failures:
        raise AssertionError("".join(said).lstrip("*\\n"))
'''
