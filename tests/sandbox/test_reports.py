"""What runners of other languages print, as they really printed it, cut down; and that nothing else is read as such."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.api import ExecResult
from sandbox.base import WORKDIR
from sandbox.reports.printed import read_printed
from sandbox.testlog import Reported, file_name, is_named
from sandbox.testrun import report


def statuses(text: str, root: str = WORKDIR) -> dict[str, str]:
    return {name: case.status for name, case in read_printed(text, root).items()}


def events(*rows: tuple[str, str, str, str]) -> str:
    """Lines of `go test -json`: action, package, test, output."""
    return "".join(
        json.dumps({"Action": action, "Package": package, **({"Test": test} if test else {}), "Output": output}) + "\n"
        for action, package, test, output in rows
    )


GO = events(
    ("run", "x.y/a", "TestOne", ""),
    ("run", "x.y/a", "TestOne/sub", ""),
    ("output", "x.y/a", "TestOne/sub", "    a_test.go:3: 1 != 2\n"),
    ("fail", "x.y/a", "TestOne/sub", ""),
    ("fail", "x.y/a", "TestOne", ""),
    ("run", "x.y/a", "TestTwo", ""),
    ("pass", "x.y/a", "TestTwo", ""),
    ("fail", "x.y/a", "", ""),
    ("output", "x.y/b", "", "FAIL\tx.y/b [build failed]\n"),
    ("fail", "x.y/b", "", ""),
    ("skip", "x.y/c", "", ""),
    ("run", "x.y/d", "TestDies", ""),
)


def test_go_as_json() -> None:
    assert statuses(GO) == {
        "TestOne (x.y/a)": "failed",
        "TestOne/sub (x.y/a)": "failed",
        "TestTwo (x.y/a)": "passed",
        "x.y/a": "passed",
        "x.y/b": "failed",
        "TestDies (x.y/d)": "error",
    }
    assert "1 != 2" in read_printed(GO, "")["TestOne/sub (x.y/a)"].message


def test_go_in_lines() -> None:
    text = """=== RUN   TestOne
--- PASS: TestOne (0.00s)
    --- FAIL: TestTwo/sub (0.10s)
FAIL
FAIL\tx.y/a\t0.012s
ok  \tx.y/b\t0.003s
?   \tx.y/c\t[no test files]
"""
    assert statuses(text) == {
        "TestOne (x.y/a)": "passed",
        "TestTwo/sub (x.y/a)": "failed",
        "x.y/a": "passed",
        "x.y/b": "passed",
    }


CARGO = """
running 3 tests
test tests::one ... ok
test tests::two ... FAILED
test tests::dies - should panic ... ok

failures:

---- tests::two stdout ----
thread 'tests::two' panicked at src/lib.rs:3:1

failures:
    tests::two

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 1 test
test one ... ignored, too slow

test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 3 tests
test src/lib.rs - jaro (line 90) ... FAILED
test src/lib.rs - jaro (line 12) ... ok
test src/lib.rs - osa (line 40) ... ok

test result: ok. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
CARGO_SAID = """   Compiling x v0.9.2 (/work)
     Running unittests src/lib.rs (target/debug/deps/x-87e00a4e63c13a83)
     Running tests/lib.rs (target/debug/deps/lib-df9add705af12f47)
   Doc-tests x
"""


def test_cargo_tells_binaries_and_tests_on_two_streams() -> None:
    assert statuses(CARGO + CARGO_SAID) == {
        "tests::one (src/lib.rs)": "passed",
        "tests::two (src/lib.rs)": "failed",
        "tests::dies (src/lib.rs)": "passed",
        "one (tests/lib.rs)": "skipped",
        "src/lib.rs - jaro (doc-tests x)": "passed",
        "src/lib.rs - osa (doc-tests x)": "passed",
        "src/lib.rs - jaro (doc-tests x) #2": "failed",
    }
    assert "panicked" in read_printed(CARGO + CARGO_SAID, "")["tests::two (src/lib.rs)"].message


def test_a_documentation_test_keeps_its_name_when_lines_above_it_come_and_go() -> None:
    moved = CARGO.replace("line 90", "line 95").replace("line 12", "line 17")
    assert statuses(CARGO + CARGO_SAID) == statuses(moved + CARGO_SAID)


def test_jest_and_vitest() -> None:
    tests = [
        {"ancestorTitles": ["", "Suite"], "title": "adds", "status": "passed", "duration": 3},
        {"ancestorTitles": ["Suite"], "title": "fails", "status": "failed", "failureMessages": ["1 != 2"]},
        {"ancestorTitles": [], "title": "later", "status": "pending"},
    ]
    files = [
        {"name": f"{WORKDIR}/src/a.test.ts", "status": "failed", "assertionResults": tests},
        {"name": f"{WORKDIR}/src/b.test.ts", "status": "failed", "assertionResults": [], "message": "no module"},
    ]
    text = f"> own@1 test\n> jest --json\n\n{json.dumps({'numTotalTests': 3, 'testResults': files})}\ndone\n"
    assert statuses(text) == {
        "src/a.test.ts": "passed",
        "src/a.test.ts > Suite > adds": "passed",
        "src/a.test.ts > Suite > fails": "failed",
        "src/a.test.ts > later": "skipped",
        "src/b.test.ts": "error",
    }


def test_mocha() -> None:
    fine = {"title": "adds", "fullTitle": "Suite adds", "file": f"{WORKDIR}/test/a.js", "duration": 1, "err": {}}
    bad = {
        "title": "fails",
        "fullTitle": "Suite fails",
        "file": f"{WORKDIR}/test/a.js",
        "err": {"stack": "AssertionError: 1"},
    }
    rows = {"stats": {}, "tests": [fine, bad], "passes": [fine], "failures": [bad], "pending": [{"fullTitle": "old"}]}
    text = f"a line that a test printed {{\n{json.dumps(rows, indent=2)}\n"
    assert statuses(text) == {
        "test/a.js > Suite > adds": "passed", "test/a.js > Suite > fails": "failed", "old": "skipped",
    }  # fmt: skip


TAP = """TAP version 13
# Subtest: top
ok 1 - top
  ---
  duration_ms: 0.9
  ...
# Subtest: suite
    # Subtest: bad
    not ok 1 - bad
    # Subtest: later
    ok 2 - later # SKIP
    # Subtest: soon
    not ok 3 - soon # TODO
    1..3
not ok 2 - suite
1..2
# tests 4
# pass 1
"""
TAPE = """TAP version 13
# one
ok 1 same
ok 2 same
# two
not ok 3 differs
  ---
    operator: equal
  ...

1..3
# tests 3
# fail  1
"""


def test_tap() -> None:
    assert statuses(TAP) == {
        "top": "passed",
        "suite > bad": "failed",
        "suite > later": "skipped",
        "suite > soon": "xfailed",
        "suite": "failed",
    }
    assert statuses(TAPE) == {"one > same": "passed", "one > same #2": "passed", "two > differs": "failed"}


@pytest.mark.parametrize(
    "text",
    [
        "\n> mocha\n\n  Suite\n    ✔ adds\n    1) fails\n    - later\n    deep\nnoise {\n      ✔ digs (12ms)\n\n"
        "  2 passing (20ms)\n  1 failing\n\n  1) Suite\n       fails:\n",
        "PASS Suite\n  ✓ adds\n  ✕ fails (14 ms)\n  ○ later\n  deep\n    ✓ digs\n\nTest Suites: 1 failed\n"
        "Tests:       1 failed, 4 total, 1 passed\n",
        "▶ Suite\n  ✔ adds (0.3ms)\n  ✖ fails (0.1ms)\n    Error: x\n  ﹣ later (0.1ms) # SKIP\n  ▶ deep\n"
        "    ✔ digs (0.2ms)\nℹ tests 4\nℹ pass 2\n",
    ],
    ids=["mocha", "jest", "node"],
)  # fmt: skip
def test_lists_for_people(text: str) -> None:
    assert statuses(text) == {
        "Suite > adds": "passed",
        "Suite > fails": "failed",
        "Suite > later": "skipped",
        "Suite > deep > digs": "passed",
    }


@pytest.mark.parametrize(
    "text",
    ["", "3 passed in 0.1s", "✔ everything is fine\n1) do this", '{"Action": 3}', '{"stats": ', "ok 1 - no version",
     "running 3 tests", "--- PASS: TestOne (0.00s)", '{"numTotalTests": 1, "testResults": 3}'],
)  # fmt: skip
def test_what_is_no_report_is_not_read_as_one(text: str) -> None:
    assert statuses(text) == {}


@given(st.text(st.sampled_from('{}"[]:,stanum \n#ok-1✔()'), max_size=80))
def test_whatever_is_printed(text: str) -> None:
    for head in ("", "TAP version 13\n", '{"stats": {}, "tests": ', "test result: \n", "1 passing\n"):
        read_printed(f"{head}{text}\n  1 passing", WORKDIR)


def ran(exit_code: int, text: str) -> dict[str, str]:
    done = ExecResult(exit_code, text.encode(), b"", 1.0)
    return {name: case.status for name, case in report("npm test", done, Reported({}, None), 60, WORKDIR).cases.items()}


def test_what_could_not_be_built_and_then_could_is_told_by_the_command_itself() -> None:
    """Else nothing that failed before would pass after."""
    assert ran(101, "error: could not compile `x`") == {"npm test": "failed"}
    assert ran(1, TAPE)["npm test"] == "passed"


@pytest.mark.parametrize(
    "text", ["?   \tx.y/c\t[no test files]", "No tests found, exiting with code 1", "running 0 tests"]
)
def test_a_runner_that_finds_nothing_has_a_problem(text: str) -> None:
    done = ExecResult(0, text.encode(), b"", 1.0)
    assert report("x", done, Reported({}, None), 60).problem == "found no tests"


def test_json_is_not_what_people_read_in_the_log() -> None:
    done = ExecResult(1, GO.encode(), b"", 1.0)
    assert report("go test -json ./...", done, Reported({}, None), 60).log == (
        "    a_test.go:3: 1 != 2\nFAIL\tx.y/b [build failed]\n"
    )


@pytest.mark.parametrize(
    ("test", "file", "text"),
    [
        ("a/test_x.py::C::test_f[1 > 2]", "a/test_x.py", "see test_f"),
        ("test/a.js > Suite > adds two numbers", "test/a.js", "'adds two numbers' fails"),
        ("TestOne (x.y/a)", "TestOne (x.y/a)", "TestOne fails"),
        ("tests::one (src/lib.rs)", "tests", "one is wrong"),
    ],
)
def test_what_a_test_id_names(test: str, file: str, text: str) -> None:
    assert file_name(test) == file
    assert is_named(test, text)
    assert not is_named(test, "nothing of the kind: adds_two, test_f2, TestOneMore, someone")
