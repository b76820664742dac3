"""Grading from patch to evidence, in plain processes: the same code that runs in a container."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import attacks
import pytest
from local_site import local_image, project

from sandbox.api import Image, Sandbox
from sandbox.local import LocalSandbox
from tasks.evaluate import RowBroken, evaluate
from tasks.harness import Harness, whole_names
from tasks.score import Evidence, score
from tasks.task import Answer

PYTEST = Harness("python -m pytest -rA -p no:cacheprovider", ("tests/test_calc.py",), whole_names, structured=True)


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, input=stdin).stdout


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("base"), attacks.PROJECT)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "base")
    return folder


@pytest.fixture(scope="module")
def image(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    return local_image(base, tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def answer(base: Path) -> Answer:
    tests = diff(base, {"tests/test_calc.py": attacks.NEW_TESTS})
    return Answer(diff(base, {"calc.py": attacks.FIXED}), tests, attacks.FAIL_TO_PASS, attacks.PASS_TO_PASS)


def diff(base: Path, files: Mapping[str, str]) -> bytes:
    try:
        for name, text in files.items():
            (base / name).write_text(text)
        git(base, "add", "--all")
        return git(base, "diff", "--cached")
    finally:
        git(base, "reset", "--quiet", "--hard")


def graded(image: Image, answer: Answer, patch: bytes, harness: Harness = PYTEST) -> Evidence:
    def opened() -> Sandbox:
        return LocalSandbox(image)

    return evaluate(opened, harness, answer, patch)


def test_the_answer_is_resolved_and_nothing_is_not(image: Image, answer: Answer) -> None:
    gold = graded(image, answer, answer.patch)
    assert score(answer, gold).outcome == "resolved"
    assert (gold.applied, gold.canary, gold.exit_code) == ("git apply", "failed", 1)
    assert set(gold.seconds) == {"start", "apply", "tests", "around", "stop"}
    empty = graded(image, answer, b"")
    assert (score(answer, empty).cause, empty.applied, empty.canary) == ("tests_failed", "nothing to apply", "failed")


def test_a_patch_that_fits_nowhere_hands_its_sandbox_back_too(image: Image, answer: Answer) -> None:
    left: list[Sandbox] = []
    evaluate(lambda: LocalSandbox(image), PYTEST, answer, b"no patch at all", left.append)
    (sandbox,) = left
    assert sandbox.exec("true").ok  # whoever took it closes it, when it suits
    sandbox.close()


def test_a_patch_that_git_refuses_is_applied_with_fuzz(image: Image, answer: Answer) -> None:
    drifted = answer.patch.replace(b" def add(left, right):\n", b" def add(left,  right):\n")
    found = graded(image, answer, drifted)
    assert (found.applied, score(answer, found).outcome) == ("patch --fuzz", "resolved")


def test_a_patch_that_fits_nowhere_is_not_run(image: Image, answer: Answer) -> None:
    found = graded(image, answer, answer.patch.replace(b"-    return left - right", b"-    return nothing alike"))
    assert (found.applied, found.statuses, score(answer, found).cause) == ("not at all", {}, "patch_apply_failed")
    assert "does not apply" in found.problem


def test_what_steers_the_tests_is_left_out_of_the_run(image: Image, answer: Answer, base: Path) -> None:
    patch = diff(base, {"calc.py": attacks.FIXED, "conftest.py": attacks.XFAIL_ALL, "tests/test_calc.py": "broken("})
    found = graded(image, answer, patch)
    assert (score(answer, found).outcome, found.dropped) == ("resolved", ("conftest.py", "tests/test_calc.py"))


def test_a_fix_that_must_change_the_configuration_may(image: Image, answer: Answer, base: Path) -> None:
    patch = diff(base, {"conftest.py": attacks.PASS_ALL})
    fixed_there = Answer(patch, answer.test_patch, answer.fail_to_pass, answer.pass_to_pass)
    found = graded(image, fixed_there, patch)
    assert (found.dropped, found.canary) == ((), "passed")
    assert score(fixed_there, found).outcome == "tamper"


def test_a_row_whose_tests_do_not_fit_is_broken(image: Image, answer: Answer) -> None:
    broken = Answer(answer.patch, answer.test_patch.replace(b"double", b"triple"), answer.fail_to_pass, ())
    with pytest.raises(RowBroken, match="do not apply to its base"):
        graded(image, broken, answer.patch)


def test_a_patch_in_the_way_of_the_tests_is_the_patchs_fault(image: Image, base: Path, answer: Answer) -> None:
    added = (
        b"diff --git a/tests/more/test_m.py b/tests/more/test_m.py\nnew file mode 100644\n--- /dev/null\n"
        b"+++ b/tests/more/test_m.py\n@@ -0,0 +1 @@\n+x = 1\n"
    )
    late = Answer(answer.patch, added, answer.fail_to_pass, ())
    ahead = b"diff --git a/tests/more b/tests/more\nnew file mode 100644\nindex 0000000..e69de29\n"
    found = graded(image, late, ahead)
    assert found.dropped == ("tests/more",)  # it stands above a hidden test


def test_a_runner_without_our_reporter_is_read_by_its_log(image: Image, answer: Answer, base: Path) -> None:
    """A runner of its own, in the manner of sympy's: it takes files and prints a word for each test."""
    runner = (
        "import importlib.util, sys\nfailed = 0\nsys.path.insert(0, '.')\n"
        "for path in sys.argv[1:]:\n"
        "    spec = importlib.util.spec_from_file_location(path, path)\n"
        "    module = importlib.util.module_from_spec(spec)\n    spec.loader.exec_module(module)\n"
        "    for name in [name for name in vars(module) if name.startswith('test_')]:\n"
        "        try:\n            getattr(module, name)()\n            print(name, 'ok')\n"
        "        except AssertionError:\n            failed += 1\n            print(name, 'F')\n"
        "print('tests finished')\nsys.exit(failed > 0)\n"
    )
    words = {"ok": "PASSED", "F": "FAILED"}

    def parse(log: str) -> dict[str, str]:
        pairs = (line.split() for line in log.splitlines() if line.startswith("test_"))
        return {name: words[word] for name, word in pairs}

    (base / "own_runner.txt").write_text(runner)
    harness = Harness("python own_runner.txt", ("tests/test_calc.py",), parse, structured=False, timeout=60)
    plain = Answer(answer.patch, answer.test_patch, ("test_add", "test_add_nothing"), ("test_double",))
    try:
        gold, empty = graded(image, plain, plain.patch, harness), graded(image, plain, b"", harness)
    finally:
        (base / "own_runner.txt").unlink()
    assert (score(plain, gold).outcome, gold.canary) == ("resolved", "failed")
    assert (score(plain, empty).reason, empty.canary) == ("test_add failed and 1 more", "failed")


@pytest.mark.slow
def test_a_run_that_takes_too_long_is_the_patchs_fault(image: Image, answer: Answer, base: Path) -> None:
    patch = diff(base, {"calc.py": f"import time\ntime.sleep(60)\n{attacks.FIXED}"})
    short = Harness(PYTEST.command, PYTEST.files, whole_names, structured=True, timeout=3)
    found = graded(image, answer, patch, short)
    assert (score(answer, found).cause, found.timed_out) == ("timeout", True)
