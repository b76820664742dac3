"""What becomes a row, what does not and why, and a harvest that was stopped at any line."""

from contextlib import closing
from pathlib import Path

import pytest
from git_repositories import commit, git, write

from sandbox.api import BadInput
from sandbox.git import HostGit
from sandbox.testlog import Status
from tasks.mine.candidate import Candidate, refused
from tasks.mine.harvest import FILE, Harvest, Seen, without_code
from tasks.mine.history import Step, candidate, name_of, references, steps, told
from tasks.mine.survey import compared
from tasks.parts import Parts, is_source, is_test, parts

TESTS = {"tests/test_a.py": b"def test_a():\n    assert True\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    write(tmp_path, {"a.py": b"x = 1\n", "README": b"a\n"})
    commit(tmp_path, "begin")
    return tmp_path


def test_each_step_of_the_main_line_is_a_candidate_or_says_why(repository: Path) -> None:
    write(repository, {"README": b"b\n"})
    commit(repository, "words")
    write(repository, {"a.py": b"x = 2\n"})
    commit(repository, "source alone")
    git(repository, "checkout", "-q", "-b", "topic")
    write(repository, {"a.py": b"x = 3\n"})
    commit(repository, "one half")
    write(repository, TESTS)
    commit(repository, "the other half")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "topic", "-m", "Merge pull request #7 from me/topic\n\nx is three (#7)")
    found = HostGit(repository / ".git")
    made = [candidate(found, "org/calc", step) for step in steps(found, "HEAD", "", 10)]
    assert made[1:] == ["changes no tests", "changes no source"]
    merged = made[0]
    assert isinstance(merged, Candidate)
    assert (merged.parts.source, merged.parts.tests) == (("a.py",), ("tests/test_a.py",))
    assert b"+x = 3" in merged.parts.patch
    assert b"test_a" not in merged.parts.patch
    assert merged.issue.text() == "x is three (#7)"
    head = git(repository, "rev-parse", "HEAD").decode().strip()
    assert (merged.issue.source, merged.id) == ("commit message", name_of("org/calc", head))
    assert list(steps(found, "HEAD", "2999-01-01", 10)) == []


def test_a_change_that_was_made_twice_has_one_print(repository: Path) -> None:
    found = HostGit(repository / ".git")
    write(repository, {"a.py": b"x = 2\n", **TESTS})
    first = commit(repository, "a change of x")
    git(repository, "checkout", "-q", "-b", "old", "HEAD~1")
    write(repository, {"README": b"other\n"})
    commit(repository, "an older line")
    git(repository, "cherry-pick", "-x", first)
    one, two = (candidate(found, "r", next(steps(found, name, "", 1))) for name in ("main", "old"))
    assert isinstance(one, Candidate)
    assert isinstance(two, Candidate)
    assert (one.print(), one.id == two.id) == (two.print(), False)
    assert two.issue.text() == "a change of x"  # without what cherry-pick wrote


def test_what_is_too_large_or_no_text_falls(repository: Path) -> None:
    found = HostGit(repository / ".git")
    write(repository, {"a.py": b"x = 2\n" * 400, **TESTS})
    large = commit(repository, "much")
    assert refused(parts(found, f"{large}~1", large, source_only=False)) == "too large"
    write(repository, {"a.py": b"# \xff\n", "tests/test_b.py": b"pass\n"})
    odd = commit(repository, "odd")
    assert refused(parts(found, f"{odd}~1", odd, source_only=False)) in ("not UTF-8", "too large")


@pytest.mark.parametrize(
    ("path", "test", "source"),
    [
        ("src/click/testing.py", False, True),
        ("testing/test_x.py", True, False),
        ("pkg/tests/data/a.txt", True, False),
        ("docs/conf.py", False, False),
        ("setup.py", False, False),
        ("conftest.py", True, False),
        ("pkg/core.py", False, True),
    ],
)
def test_tests_are_told_from_source(path: str, test: bool, source: bool) -> None:
    assert (is_test(path), is_source(path)) == (test, source)


def test_the_lists_of_a_row() -> None:
    before: dict[str, Status] = {"kept": "passed", "mended": "failed", "skipped": "skipped"}
    after: dict[str, Status] = {"kept": "passed", "mended": "passed", "new": "passed", "skipped": "passed"}
    found = compared(before, after)
    assert (found.fail_to_pass, found.pass_to_pass, found.why) == (("mended", "new"), ("kept",), "")
    assert compared(before, {"kept": "passed", "mended": "failed"}).why == "mends no test"
    assert compared(before, {**after, "kept": "failed"}).why == "breaks a test"
    assert compared({}, {"t[a\nb]": "passed"}).why == "mends no test"  # a name that no file format keeps


def test_words_and_references() -> None:
    step = Step(
        "a", "b", "", "Merge pull request #12 from a/b\n\nFix #3: x (see org/other#9)\n\nSigned-off-by: A <a@b>"
    )
    assert told(step).text() == "Fix #3: x (see org/other#9)"
    assert references(step.message)[0] == 3
    assert set(references(step.message)) == {3, 9, 12}


def row(name: str, created: str = "2026-01-01") -> Seen:
    fields = {
        "instance_id": name,
        "created_at": created,
        "patch": "+ secret",
        "test_patch": "+ hidden",
        "release": {"package": "p"},
    }
    return Seen(id=name, stage="validated", row=fields, print=name)


def test_a_harvest_goes_on_after_a_torn_line_and_tries_a_machine_again(tmp_path: Path) -> None:
    with closing(Harvest(tmp_path)) as harvest:
        harvest.add(row("one"))
        harvest.add(Seen(id="two", stage="candidate", why="machine: the engine is gone", machine=True))
        harvest.add(Seen(id="three", stage="seen", why="too large"))
        with pytest.raises(BadInput, match="another solve mines into"):
            Harvest(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-20])
    with closing(Harvest(tmp_path)) as again:
        assert [again.settled(name) for name in ("one", "two", "three")] == [True, False, False]
        again.add(Seen(id="three", stage="seen", why="too large"))
        again.add(Seen(id="two", stage="candidate", why="flaky: now and then"))
        again.add(row("four", "2026-02-01"))
    with closing(Harvest(tmp_path)) as last:
        assert last.told() == "4 seen, 3 candidates, 2 validated"
        assert last.fallen() == [("candidate", "flaky", 1), ("seen", "too large", 1)]
        text = last.write_suite().read_text()
    assert text.index("four") < text.index("one")  # newest first
    assert "secret" not in (tmp_path / "releases.jsonl").read_text()
    assert without_code({"patch": "x", "id": 1}) == {"id": 1}


def test_a_harvest_is_refused_in_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(BadInput, match="is not empty"):
        Harvest(tmp_path)


def test_no_source_or_no_tests() -> None:
    assert refused(Parts(b"", b"", (), ("tests/test_a.py",))) == "changes no source"
    assert refused(Parts(b"x", b"", ("a.py",), ("tests/data.txt",))) == "changes no tests"
