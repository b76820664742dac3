"""Base and patch really run, in local sandboxes with the Python that runs this test."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from local_site import CODE, SHOWS, local_image, project

from sandbox import open_sandbox
from sandbox.api import BadInput, Sandbox
from sandbox.patch import Change
from sandbox.testlog import TestReport
from tasks.event import silent
from tasks.task import Issue, TestFile
from tasks.verdict import Trial, Verdict, find_showing, judge
from tasks.verify import Check, put, run_base, run_patched, steers, supports_tests

FIXED = CODE.replace("+", "*")
SHOWING = TestFile("tests/test_area.py", SHOWS.encode(), "issue")


def check(
    tmp_path: Path, command: str = "python -m pytest -p no:cacheprovider", test: TestFile | None = SHOWING
) -> Check:
    image = local_image(project(tmp_path / "tree"), tmp_path)

    def fresh() -> Sandbox:
        sandbox = open_sandbox(image)
        if test:
            sandbox.write(test.path, test.content)
        return sandbox

    return Check(fresh, command, (), "the whole suite", 60)


def change(path: str, text: str | None) -> Change:
    return Change(path, None if text is None else text.encode(), 0o100644 if text is not None else 0)


@pytest.fixture
def tried(tmp_path: Path) -> Callable[..., Verdict]:
    """The verdict on some changes of the small project."""

    def judged(*changes: Change) -> Verdict:
        how = check(tmp_path)
        base = run_base(how, silent)
        showing = find_showing(base, (SHOWING,), Issue("area is wrong", ""))
        assert showing.ids == ("tests/test_area.py::test_area",)
        patched = run_patched(how, changes, base, showing.ids, silent)
        return judge(Trial(b"patch", showing, how.scope, base, patched.runs, patched.restored))

    return judged


def test_a_real_fix_is_verified(tried: Callable[..., Verdict]) -> None:
    verdict = tried(change("shapes.py", FIXED))
    assert (verdict.verdict, verdict.guarded) == ("verified", 1)


def test_a_patch_that_does_nothing_leaves_the_showing_test_failing(tried: Callable[..., Verdict]) -> None:
    verdict = tried(change("shapes.py", CODE + "# considered\n"))
    assert verdict.verdict == "unreproduced"
    assert "still fail" in verdict.headline


@pytest.mark.slow
def test_a_patch_that_breaks_a_guard_is_told_after_a_second_run(tried: Callable[..., Verdict]) -> None:
    verdict = tried(change("shapes.py", "def area(width, height):\n    return 6\n"))
    assert verdict.verdict == "regressed"
    assert verdict.regressed == ("tests/test_shapes.py::test_unit",)


def test_a_patch_that_steers_the_tests_is_judged_without_that_part(tried: Callable[..., Verdict]) -> None:
    forging = (
        "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport():\n"
        "    done = yield\n    done.get_result().outcome = 'passed'\n"
    )
    verdict = tried(change("conftest.py", forging), change("tests/test_shapes.py", None))
    assert verdict.verdict == "unreproduced"
    assert verdict.restored == ("conftest.py", "tests/test_shapes.py")


def test_what_existing_tests_call_or_compare_with_stands_as_on_the_base() -> None:
    ran = {"tests/unit/test_area.py", "pkg/test/test_x.py", "src/test_beside.py"}
    for path in ("tests/helper.py", "tests/data/expected.txt", "pkg/test/golden", "inner/tests/helper.py"):
        assert supports_tests(path, ran), path
    for path in ("src/code.py", "pkg/code.py", "contests/x.py", "django/test/client.py", "tests.py"):
        assert not supports_tests(path, ran), path


@pytest.mark.slow
def test_code_that_forges_reports_from_within_is_not_believed(tried: Callable[..., Verdict]) -> None:
    forging = CODE + (
        "import _pytest.reports\n"
        "_pytest.reports.TestReport.from_item_and_call = classmethod(lambda cls, item, call: cls(\n"
        "    nodeid=item.nodeid, location=item.location, keywords={}, outcome='passed', longrepr=None,\n"
        "    when=call.when))\n"
    )
    verdict = tried(change("shapes.py", forging))
    assert verdict.verdict == "regressed"
    assert "not believed" in verdict.headline


def test_code_that_writes_the_report_itself_and_leaves_is_not_believed(tried: Callable[..., Verdict]) -> None:
    forging = CODE + (
        "import json, os\n"
        "with open(os.environ['SOLVE_REPORT'], 'w') as report:\n"
        "    for name in ('tests/test_area.py::test_area', 'tests/test_shapes.py::test_unit'):\n"
        "        report.write(json.dumps({'id': name, 'when': 'call', 'outcome': 'passed'}) + '\\n')\n"
        "    report.write(json.dumps({'end': 0}) + '\\n')\n"
        "os._exit(0)\n"
    )
    assert tried(change("shapes.py", forging)).verdict == "regressed"


@pytest.mark.slow
def test_code_that_crashes_the_run_has_regressed(tried: Callable[..., Verdict]) -> None:
    assert tried(change("shapes.py", "import os\nos.abort()\n")).verdict == "regressed"


def base_of(tmp_path: Path, command: str) -> tuple[TestReport, TestReport]:
    return run_base(check(tmp_path, command), silent)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-runner --all", "not found"),
        ("python -m pytest --no-such-option", "unrecognized arguments"),
        ("python -m pytest -k nothing_has_this_name", "collected no tests"),
    ],
)
def test_tests_that_cannot_be_run_are_bad_input_that_names_the_option(tmp_path: Path, command: str, said: str) -> None:
    with pytest.raises(BadInput, match="--test-command") as caught:
        base_of(tmp_path, command)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_any_command_is_a_test_by_its_exit_status(tmp_path: Path) -> None:
    first, _ = base_of(tmp_path, "python -c 'import shapes; assert shapes.area(2, 3) == 6'")
    assert [case.status for case in first.cases.values()] == ["failed"]


def test_a_folder_may_become_a_file_and_back(tmp_path: Path) -> None:
    image = local_image(project(tmp_path / "tree", {"pkg/deep/a.py": "", "b.py": ""}), tmp_path)
    with open_sandbox(image) as sandbox:
        put(sandbox, [change("pkg/deep/a.py", None), change("pkg", "now a file\n")])
        assert sandbox.read("pkg") == b"now a file\n"
        put(sandbox, [change("pkg", None), Change("pkg/link", b"../b.py", 0o120000)])
        assert sandbox.exec(["readlink", "pkg/link"]).stdout == b"../b.py\n"
        put(sandbox, [Change("run.sh", b"#!/bin/sh\n", 0o100755)])
        assert sandbox.exec(["./run.sh"]).exit_code == 0


@pytest.mark.parametrize(
    ("command", "takes"),
    [("python -m pytest", True), ("pytest -q -x", True), ("make test", False), ("pytest tests && ruff check", False)],
)
def test_files_follow_only_a_command_that_takes_them(command: str, takes: bool, tmp_path: Path) -> None:
    assert check(tmp_path, command).takes_files == takes


FORGES_FROM_WITHIN = CODE + "import _pytest.python\n_pytest.python.Function.runtest = lambda self: None\n"


@pytest.mark.slow
def test_forging_is_seen_where_only_some_files_are_run(tmp_path: Path) -> None:
    how = replace(check(tmp_path), selection=("tests/test_area.py", "tests/test_shapes.py"))
    base = run_base(how, silent)
    patched = run_patched(
        how, [change("shapes.py", FORGES_FROM_WITHIN)], base, ["tests/test_area.py::test_area"], silent
    )
    assert all("not believed" in report.problem for report in patched.runs)


@pytest.mark.slow
def test_a_first_failure_that_ends_a_run_by_setting_ends_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "pytest.ini").write_text("[pytest]\naddopts = -x\n")
    how = check(tmp_path)
    base = run_base(how, silent)
    patched = run_patched(how, [change("shapes.py", FIXED)], base, ["tests/test_area.py::test_area"], silent)
    assert all(report.usable and len(report.ids("passed")) == 2 for report in patched.runs)


def test_a_patch_is_not_written_through_a_link_of_the_base(tmp_path: Path) -> None:
    image = local_image(project(tmp_path / "tree"), tmp_path)
    (tmp_path / "tree" / "alias.py").symlink_to("tests/test_shapes.py")
    with open_sandbox(image) as sandbox:
        put(sandbox, [change("alias.py", "x = 1\n")])
        assert b"def test_unit" in sandbox.read("tests/test_shapes.py")
        assert sandbox.read("alias.py") == b"x = 1\n"


def test_a_patch_that_does_not_fit_what_is_restored_is_the_patchs_fault(tmp_path: Path) -> None:
    how = check(tmp_path)
    (tmp_path / "second").mkdir()
    (tmp_path / "tree" / "pkg").mkdir()
    (tmp_path / "tree" / "pkg" / "conftest.py").write_text("")
    image = local_image(tmp_path / "tree", tmp_path / "second")
    how = replace(how, open=lambda: open_sandbox(image))
    base = run_base(how, silent)
    patched = run_patched(how, [change("pkg/conftest.py", None), change("pkg", "a file now\n")], base, [], silent)
    assert all("does not fit the tree" in report.problem for report in patched.runs)


def test_where_a_runner_names_no_files_what_looks_like_a_test_stands_as_on_the_base() -> None:
    for path in ("test_calc.py", "tests/test_calc.py", "Makefile", "conftest.py"):
        assert steers(path, {"test_x (test_calc.T)"})
    assert not steers("calc.py", {"test_x (test_calc.T)"})
    assert not steers("tests/test_new.py", {"tests/test_calc.py"}), "a new test file guards nothing and may stay"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("comma_test.go", False), ("src/a.test.ts", False), ("test/helper.js", False), ("tests/lib.rs", False),
        ("package.json", False), (".cargo/config.toml", False), ("Cargo.toml", False), ("jest.config.mjs", False),
        ("comma.go", True), ("src/lib.rs", True), ("src/latest.js", True), ("contest/a.go", True),
    ],
)  # fmt: skip
def test_so_do_tests_and_settings_of_other_languages(path: str, kept: bool) -> None:
    for files in ({"TestX (x.y/a)"}, {"tests"}, {"test/byte-parse.js"}):
        assert steers(path, files) is not kept
