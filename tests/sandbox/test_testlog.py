import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.testlog import TestCase, TestReport, function_name, read_report, read_unittest


def lines(*rows: object) -> list[bytes]:
    return [json.dumps(row).encode() for row in rows]


def row(when: str, outcome: str, **more: object) -> dict[str, object]:
    return {"id": "t.py::test", "when": when, "outcome": outcome, "seconds": 0.5, "message": "", **more}


def status(*rows: dict[str, object]) -> str:
    return read_report(lines(*rows)).cases["t.py::test"].status


def test_a_test_passes_when_all_its_phases_pass() -> None:
    reported = read_report(lines(row("setup", "passed"), row("call", "passed"), row("teardown", "passed"), {"end": 0}))
    assert reported.cases["t.py::test"] == TestCase("t.py::test", "passed", 1.5)
    assert reported.end == 0


def test_failures_outside_the_call_are_errors() -> None:
    assert status(row("setup", "failed")) == "error"
    assert status(row("setup", "passed"), row("call", "passed"), row("teardown", "failed")) == "error"
    assert status(row("collect", "failed")) == "error"


def test_a_failing_subtest_fails_its_test() -> None:
    assert status(row("call", "passed"), row("call", "failed"), row("call", "passed")) == "failed"


def test_expected_failures_are_neither_passes_nor_failures() -> None:
    assert status(row("setup", "passed"), row("call", "skipped", xfail=True), row("teardown", "passed")) == "xfailed"
    assert status(row("setup", "passed"), row("call", "passed", xfail=True)) == "xpassed"


def test_the_message_is_the_one_of_the_worst_phase() -> None:
    rows = (row("call", "failed", message="assert 1 == 2"), row("teardown", "passed"))
    assert read_report(lines(*rows)).cases["t.py::test"].message == "assert 1 == 2"


def test_a_session_that_was_killed_has_no_end() -> None:
    assert read_report([*lines(row("call", "passed")), b'{"id": "t.py::te']).end is None


@given(st.lists(st.binary(max_size=60)))
def test_any_bytes_are_read_without_error(junk: list[bytes]) -> None:
    read_report(junk)


def test_a_test_that_was_killed_in_its_call_has_not_passed() -> None:
    assert status(row("setup", "passed")) == "error"


@settings(max_examples=30)
@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner))
)
def test_any_json_is_read_without_error(value: object) -> None:
    read_report(lines(value, {"id": value, "when": value, "outcome": value, "seconds": value, "end": value}))


def test_unittest_lines_are_read() -> None:
    text = (
        "test_a (pkg.test_x.Case) ... ok\ntest_b (pkg.test_x.Case)\nIts doc line ... FAIL\n"
        "test_c (pkg.test_x.Case) ... skipped 'why'\ntest_d (pkg.test_x.Case) ... expected failure\n"
    )
    found = {name.split()[0]: case.status for name, case in read_unittest(text).items()}
    assert found == {"test_a": "passed", "test_c": "skipped", "test_d": "xfailed", "test_b": "failed"}


def test_a_report_lists_ids_by_status_and_counts_them() -> None:
    report = TestReport("pytest", 1, 2.0, {"a": TestCase("a", "passed"), "b": TestCase("b", "failed", 0.1, "boom")})
    assert report.ids("failed", "error") == {"b"}
    assert report.as_json()["counts"] == {"passed": 1, "failed": 1}


def test_a_hostile_line_is_passed_over_or_cut_down() -> None:
    deep = b"[" * 200_000
    huge = b'{"id": "t.py::test", "when": [], "outcome": "passed", "seconds": 1' + b"0" * 400 + b"}"
    reported = read_report([deep, huge, *lines(row("call", "passed"))])
    assert reported.cases["t.py::test"].status == "passed"


def test_a_parameter_may_hold_what_separates() -> None:
    assert function_name("t.py::Case::test_x[a::b(c]") == "test_x"
    assert function_name("test_a (pkg.Case)") == "test_a"
