"""The JSON that jest and vitest (`--json`, `--reporter=json`) and mocha (`--reporter json`) print.

A test is `file > suite > name`. Of jest and vitest a file is a case too, which fails where it cannot be loaded: then
none of its tests is reported.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.reports.numbered import numbered
from sandbox.testlog import Status, TestCase

_STARTS = re.compile(r'^\{(?=\s*"(?:stats|num\w+)":)', re.MULTILINE)
_STATUSES: dict[str, Status] = {"passed": "passed", "failed": "failed"}  # pending, skipped, todo, disabled: skipped
_MESSAGE = 2000  # characters of a failure that are kept


def read(text: str, root: str) -> dict[str, TestCase]:
    found: list[TestCase] = []
    for match in _STARTS.finditer(text):
        try:
            data, _ = json.JSONDecoder().raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(data.get("testResults"), list):
            found += [case for file in data["testResults"] for case in _of_file(_table(file), root)]
        elif isinstance(data.get("tests"), list):
            found += _of_mocha(data, root)
    names = numbered(case.id for case in found)
    return {name: TestCase(name, case.status, case.seconds, case.message)
            for name, case in zip(names, found, strict=True)}  # fmt: skip


def _of_file(file: Mapping[str, Any], root: str) -> Iterator[TestCase]:
    name = _relative(file.get("name"), root)
    tests = [_table(test) for test in _list(file.get("assertionResults"))]
    loaded = bool(tests) or file.get("status") == "passed"
    yield TestCase(name, "passed" if loaded else "error", 0.0, "" if loaded else _text(file.get("message")))
    for test in tests:
        suites = [str(suite) for suite in _list(test.get("ancestorTitles")) if suite]
        title = " > ".join([name, *suites, str(test.get("title"))])
        status = _STATUSES.get(str(test.get("status")), "skipped")
        messages = "\n".join(map(str, _list(test.get("failureMessages"))))
        yield TestCase(title, status, _seconds(test.get("duration")), messages[-_MESSAGE:])


def _of_mocha(data: Mapping[str, Any], root: str) -> Iterator[TestCase]:
    for kind, status in (("passes", "passed"), ("failures", "failed"), ("pending", "skipped")):
        for test in map(_table, _list(data.get(kind))):
            title = str(test.get("title") or test.get("fullTitle"))
            file = _relative(test["file"], root) if test.get("file") else ""
            suite = str(test.get("fullTitle", "")).removesuffix(title).strip()
            name = " > ".join(part for part in (file, suite, title) if part)
            error = _table(test.get("err"))
            message = _text(error.get("stack") or error.get("message") or "")
            yield TestCase(name, status, _seconds(test.get("duration")), message)  # type: ignore[arg-type]


def _relative(name: object, root: str) -> str:
    path = str(name)
    return posixpath.relpath(path, root) if root and path.startswith(f"{root.rstrip('/')}/") else path


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return str(value or "")[-_MESSAGE:]


def _seconds(value: object) -> float:
    return value / 1000 if isinstance(value, int | float) and 0 <= value < 1e12 else 0.0
