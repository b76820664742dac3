"""`cargo test`: what libtest prints for each test binary. A test is `module::name (binary)`.

Binaries are named on standard error and their tests on standard output, each in order. The line number in a
documentation test's name would change with every line above it, so it is left out.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from sandbox.reports.numbered import numbered
from sandbox.testlog import Status, TestCase

_BLOCK = re.compile(r"^running \d+ tests?$", re.MULTILINE)
_BINARY = re.compile(r"^ +(?:Running (?:unittests )?(\S+)(?: \((\S+)\))?|Doc-tests (\S+))$", re.MULTILINE)
_HASH = re.compile(r"-[0-9a-f]{16}$")
_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)\b", re.MULTILINE)
_LINE = re.compile(r" \(line (\d+)\)$")
_FAILURE = re.compile(r"^---- (.+?) stdout ----\n(.*?)(?=^---- |^failures:$|\Z)", re.MULTILINE | re.DOTALL)
_WORDS: dict[str, Status] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
_MESSAGE = 2000  # characters of a failure that are kept


def read(text: str, root: str) -> dict[str, TestCase]:
    del root
    if "test result: " not in text:
        return {}
    binaries = [_named(match) for match in _BINARY.finditer(text)]
    starts = [match.end() for match in _BLOCK.finditer(text)]
    blocks = [text[start:end] for start, end in pairwise([*starts, len(text)])]
    if len(binaries) != len(blocks):  # one that did not start, or output that looks like ours
        binaries = [f"binary {number}" for number in range(1, len(blocks) + 1)]
    cases: dict[str, TestCase] = {}
    for binary, block in zip(binaries, blocks, strict=True):
        cases |= {case.id: case for case in _cases(binary, block)}
    return cases


def _cases(binary: str, block: str) -> Iterator[TestCase]:
    said = {match[1]: match[2].strip() for match in _FAILURE.finditer(block)}
    found = [(match[1], _WORDS[match[2]]) for match in _TEST.finditer(block)]
    found.sort(key=lambda test: _place(test[0]))  # they run side by side: the order of the lines is chance
    names = numbered(f"{_LINE.sub('', name)} ({binary})" for name, _ in found)
    for name, (raw, status) in zip(names, found, strict=True):
        yield TestCase(name, status, 0.0, said.get(raw, "")[-_MESSAGE:])


def _place(name: str) -> int:
    """The line of a documentation test."""
    match = _LINE.search(name)
    return int(match[1]) if match else 0


def _named(match: re.Match[str]) -> str:
    """A binary by its source; cargo before 1.57 tells only the file that it made."""
    source, _, documented = match.groups()
    if documented:
        return f"doc-tests {documented}"
    return _HASH.sub("", source.rpartition("/")[2]) if "/deps/" in source else str(source)
