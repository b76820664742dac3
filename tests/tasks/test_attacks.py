"""Nothing but a fix is resolved without a mark, and an honest fix beside each trick still is."""

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import attacks
import pytest
from attacks import Attack
from docker_image import baked_with_pytest, engine

from sandbox.api import Image, Owner, Sandbox
from sandbox.docker import DockerSandbox
from tasks.environment import place
from tasks.evaluate import evaluate
from tasks.flags import flags
from tasks.harness import Harness, whole_names
from tasks.image_settings import Settings
from tasks.load import parse_row
from tasks.score import Score, needs_gold, score
from tasks.task import Answer

pytestmark = pytest.mark.docker

HARNESS = Harness("python -m pytest -rA", ("tests/test_calc.py",), whole_names, structured=True, timeout=60)


def git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "core.symlinks=true", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "testbed"
    change(folder, attacks.PROJECT)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "base")
    return folder


@pytest.fixture(scope="module")
def image(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The project's base tree, and this environment's own pytest."""
    with baked_with_pytest(project, tmp_path_factory.mktemp("library")) as made:
        yield made


def change(folder: Path, changes: Attack) -> None:
    for name, content in changes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not isinstance(content, str | bytes):
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        if isinstance(content, PurePosixPath):
            path.symlink_to(content)
        elif content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            if content[:2] in ("#!", b"#!"):
                path.chmod(0o755)


def patch_of(project: Path, tmp_path: Path, changes: Attack) -> bytes:
    folder = tmp_path / uuid.uuid4().hex
    shutil.copytree(project, folder, symlinks=True)
    change(folder, changes)
    git(folder, "add", "--all", "--force")
    return git(folder, "diff", "--cached", "--binary")


@pytest.fixture(scope="module")
def answer(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    scratch = tmp_path_factory.mktemp("answer")
    fix = patch_of(project, scratch, {"calc.py": attacks.FIXED})
    tests = patch_of(project, scratch, {"tests/test_calc.py": attacks.NEW_TESTS})
    return Answer(fix, tests, attacks.FAIL_TO_PASS, attacks.PASS_TO_PASS)


def graded(image: Image, answer: Answer, patch: bytes) -> Score:
    def opened() -> Sandbox:
        return DockerSandbox(image, owner=Owner("test-attacks", "calc"))

    evidence = evaluate(opened, HARNESS, answer, patch)
    gold = evaluate(opened, HARNESS, answer, answer.patch) if needs_gold(answer, evidence) else None
    return score(answer, evidence, flags(patch), gold)


def test_there_are_enough_of_them() -> None:
    assert len(attacks.CONFIGURATION) + len(attacks.CODE) + len(attacks.REFUSED) >= 45


@pytest.mark.parametrize("name", attacks.HONEST)
def test_an_honest_fix_is_resolved(name: str, project: Path, image: Image, answer: Answer, tmp_path: Path) -> None:
    found = graded(image, answer, patch_of(project, tmp_path, attacks.HONEST[name]))
    assert (found.outcome, found.reason) == ("resolved", "")


def test_no_change_is_not_resolved(image: Image, answer: Answer) -> None:
    assert graded(image, answer, b"").cause == "tests_failed"


@pytest.mark.parametrize("name", attacks.CONFIGURATION)
def test_configuration_does_nothing(name: str, project: Path, image: Image, answer: Answer, tmp_path: Path) -> None:
    """Not resolved, not even accused: it simply does not work; and beside the fix it does no harm."""
    attack = attacks.CONFIGURATION[name]
    alone = graded(image, answer, patch_of(project, tmp_path, attack))
    assert alone.outcome == "unresolved", alone
    beside = graded(image, answer, patch_of(project, tmp_path, {**attack, "calc.py": attacks.FIXED}))
    assert (beside.outcome, beside.reason) == ("resolved", "")
    assert beside.dropped


@pytest.mark.parametrize("name", attacks.CODE)
def test_code_is_caught_by_the_run_or_marked(
    name: str, project: Path, image: Image, answer: Answer, tmp_path: Path
) -> None:
    found = graded(image, answer, patch_of(project, tmp_path, attacks.CODE[name]))
    assert not found.resolved or found.flagged, found


@pytest.mark.parametrize("name", attacks.REFUSED)
def test_what_no_tool_takes_is_not_resolved(name: str, image: Image, answer: Answer) -> None:
    assert graded(image, answer, attacks.REFUSED[name]).outcome in ("unresolved", "tamper")


def test_nothing_of_the_answer_is_in_the_image(image: Image, answer: Answer, tmp_path: Path) -> None:
    """Looked for as one who solves the row may, and in what the engine tells of the image."""
    fields = {
        "instance_id": f"calc-{uuid.uuid4().hex[:8]}",
        "repo": "org/calc",
        "base_commit": "a" * 40,
        "image_name": image.ref,
        "problem_statement": "add is wrong",
        "hints_text": "a hint that nobody gets",
        "patch": answer.patch.decode(),
        "test_patch": answer.test_patch.decode(),
        "FAIL_TO_PASS": list(attacks.FAIL_TO_PASS),
    }
    found = place(parse_row(fields), Settings("", None, tmp_path, None))
    secrets = ["left + right", "test_add_nothing", "a hint that nobody gets"]
    try:
        with DockerSandbox(found.image, owner=Owner("test-attacks", "hidden")) as sandbox:
            patterns = [word for secret in secrets for word in ("-e", secret)]
            looked = ["grep", "-rlsF", *patterns, "/testbed", "/opt", "/home", "/root", "/tmp", "/var", "/etc"]
            assert sandbox.exec(looked, timeout=120).text() == ""
            assert "def double" in sandbox.exec("git log --all -p").text()  # the history was looked at too
            assert not [secret for secret in secrets if secret in sandbox.exec("env").text()]
        with engine() as client:
            told = str(client.api.inspect_image(found.image.ref)) + str(client.api.history(found.image.ref))
        assert not [secret for secret in secrets if secret in told]
    finally:
        with engine() as client:
            client.images.remove(found.image.ref, force=True)


def test_a_row_that_plants_its_bug_asks_for_the_reverse(image: Image, project: Path, tmp_path: Path) -> None:
    """As SWE-smith has it: the patch of the row breaks the image's tree, its reverse mends it."""
    bug = patch_of(project, tmp_path, {"calc.py": attacks.BROKEN.replace("2 * value", "3 * value")})
    named = {
        "image_name": image.ref,
        "patch": bug.decode(),
        "FAIL_TO_PASS": list(attacks.PASS_TO_PASS),
        "PASS_TO_PASS": [],
    }
    row = parse_row(
        {"instance_id": f"smith-{uuid.uuid4().hex[:8]}", "repo": "org/calc", "problem_statement": "x"} | named
    )
    found = place(row, Settings("", None, tmp_path, None))
    harness = replace(found.harness, command=HARNESS.command)
    planted = replace(found.image, env=image.env)

    def opened() -> Sandbox:
        return DockerSandbox(planted, owner=Owner("test-attacks", "smith"))

    try:
        with opened() as sandbox:  # the tree without the bug is nowhere to be found
            log = sandbox.exec("git log --all --format=%s; git reflog; git fsck --lost-found").text()
        assert "base" in log.splitlines()
        assert "dangling" not in log
        assert not [line for line in log.splitlines() if "initial" not in line and line != "base"], log
        for patch, outcome in ((row.answer.patch, "resolved"), (b"", "unresolved")):
            assert score(row.answer, evaluate(opened, harness, row.answer, patch)).outcome == outcome
    finally:
        with engine() as client:
            client.images.remove(planted.ref, force=True)
