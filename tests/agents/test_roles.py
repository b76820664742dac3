"""The parts of the team that need no model: prompts, advice, conventions, evidence, choice, probing."""

import json
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_server import Act, ModelServer, Say, Status
from pydantic import ValidationError

from agents.advice import advice
from agents.choose import Candidate, finalists
from agents.conventions import conventions
from agents.evidence import Evidence, failing_before, weigh
from agents.journal import Journal
from agents.llm import Servers
from agents.models import Model
from agents.planner import Plan, small
from agents.probe import features
from agents.prompts import FOLDER, render
from agents.reply import ToolUse
from agents.room import Room, clipped, room
from agents.tools import CODER, SMALL, BadCall, calls_in, described, parse
from sandbox.testlog import Status as TestStatus
from sandbox.testlog import TestCase, TestReport
from tasks.limits import Budget
from tasks.task import Issue

VALUES = {
    "coder": {"turns": 1, "seconds": 1, "shown": 1},
    "planner": {"most": 1},
    "tester": {"conventions": "- c"},
    "opening": dict.fromkeys(["command", "failing", "advice", "issue", "context", "showing", "notes", "task"], "x"),
}
NAMES = sorted({path.name.split(".")[0] for path in FOLDER.glob("*.md.j2")})


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_renders_with_what_its_role_gives(name: str) -> None:
    assert render(name, **VALUES.get(name, {}))


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_prompt_that_lacks_a_value_is_an_error(name: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        render(name)


def test_a_variant_stands_in_where_there_is_one() -> None:
    assert render("coder", "small", **VALUES["coder"]) != render("coder", **VALUES["coder"])
    assert render("planner", "small", most=1) == render("planner", most=1)


def test_hostile_text_is_not_a_template() -> None:
    text = render("opening", **{**VALUES["opening"], "issue": "{{ 7 * 7 }} {% raw %}"})
    assert "{{ 7 * 7 }} {% raw %}" in text


# -- what the repository says -----------------------------------------------------------------------------------------


def test_nested_advice_is_found_nearest_to_the_root_first_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "AGENTS.md").write_text("deepest")
    (tmp_path / "CONTRIBUTING.rst").write_text("root")
    (tmp_path / "deep" / "CONTRIBUTING.md").symlink_to("/etc/hostname")
    text = advice(tmp_path, 12_000)
    assert text.index("root") < text.index("deepest")
    assert "deep/CONTRIBUTING.md" not in text


def test_advice_is_bounded(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"d{number}").mkdir()
        (tmp_path / f"d{number}" / "AGENTS.md").write_text("x" * 100_000)
    assert len(advice(tmp_path, 12_000)) < 12_500


SETUP = "Installing\n----------\n\n" + "Fork it, clone it, make an environment. " * 60
PATCHES = "Patches\n-------\n\nAdd tests. Format with Black. Add an entry to the changelog."


@pytest.mark.parametrize(
    ("guide", "shown"),
    [
        (f"Welcome.\n\n{SETUP}\n\n{PATCHES}\n\nReporting\n---------\n\nBe kind.", PATCHES),
        (f"# Welcome\n\n## Set up\n\n{SETUP}\n\n## Patches\n\nTests and docs.", "## Patches\n\nTests and docs."),
        ("Be kind. Tests are welcome.", "Be kind. Tests are welcome."),
        (SETUP, SETUP[:2_000]),
    ],
    ids=["underlined", "marked", "short", "nothing of it"],
)
def test_of_a_long_guide_to_contributors_what_a_patch_must_be_is_shown(tmp_path: Path, guide: str, shown: str) -> None:
    (tmp_path / "CONTRIBUTING.rst").write_text(guide)
    assert advice(tmp_path, 12_000) == f"## CONTRIBUTING.rst\n\n{shown}".rstrip()


def test_the_nearest_test_file_is_the_one_named_like_the_likeliest_source(tmp_path: Path) -> None:
    for path in ("tests/test_a.py", "tests/test_price.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("class TestX(unittest.TestCase):\n    pass\n")
    found = conventions(tmp_path, ["tests/test_a.py", "tests/test_price.py"], ["shop/price.py", "shop/a.py"])
    assert found.example == "tests/test_price.py"
    assert "unittest.TestCase" in found.text


# -- plans ------------------------------------------------------------------------------------------------------------


def planned(*rows: tuple[str, list[str]]) -> dict[str, Any]:
    part = {"goal": "g", "files": [], "symbols": [], "check": "", "share": 1}
    return {"subtasks": [{**part, "id": name, "depends_on": needs} for name, needs in rows]}


@pytest.mark.parametrize(
    "rows", [[("a", ["b"]), ("b", ["a"])], [("a", ["nobody"])], [("a", []), ("a", [])], [], [("A b", [])]]
)
def test_an_impossible_plan_is_refused(rows: list[tuple[str, list[str]]]) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate(planned(*rows))


@pytest.mark.parametrize(
    ("body", "is_small"),
    [
        ("total() is wrong", True),
        ("```\n- one\n- two\n- three\n```", True),  # output, not demands
        ("- one\n- two\n- three", False),
        ("change a/x.py, b/y.py and c/z.py", False),
        ("", True),
    ],
)
def test_only_an_issue_with_several_demands_is_planned(body: str, is_small: bool) -> None:
    assert small(Issue("t", body)) is is_small


# -- evidence and choice ----------------------------------------------------------------------------------------------


def report(problem: str = "", **statuses: TestStatus) -> TestReport:
    cases = {f"t.py::{name}": TestCase(f"t.py::{name}", status) for name, status in statuses.items()}
    return TestReport("pytest", 0, 0.0, MappingProxyType(cases), problem)


def test_evidence_tells_fixed_failing_and_regressed_apart() -> None:
    base = report(shown="failed", other="failed", guard="passed", broken="passed")
    seen = weigh(base, ["t.py::shown"], report(shown="passed", other="failed", guard="passed", broken="failed"))
    assert (seen.fixed, seen.failing, seen.regressed) == (("t.py::shown",), (), ("t.py::broken",))
    assert not seen.good
    assert "1 others fail as they did before" in seen.text


def test_what_fails_on_the_base_is_counted_and_the_first_of_it_named() -> None:
    base = report(**{f"old{number}": "failed" for number in range(9)})
    said = failing_before(base, ["t.py::old0"], [f"t{number}.py" for number in range(9)])
    assert "t0.py, t1.py, t2.py, t3.py, t4.py, t5.py and 3 more (the rest of the suite was not run)" in said
    assert "8 tests fail on the base" in said
    assert said.endswith("t.py::old6 and 2 more.")


def test_a_run_that_came_to_nothing_lost_every_guard() -> None:
    seen = weigh(report(guard="passed"), [], report("crashed"))
    assert seen.regressed == ("t.py::guard",)


def candidate(patch: str, *, fixed: int = 1, regressed: int = 0, **statuses: str) -> Candidate:
    names = tuple(str(number) for number in range(fixed))
    lost = tuple(str(number) for number in range(regressed))
    return Candidate(patch.encode(), Evidence(names, () if fixed else ("x",), lost, "", statuses))


def test_evidence_comes_before_agreement() -> None:
    many = [candidate(f"p{n}", regressed=1, a="failed") for n in range(3)]
    assert finalists([*many, candidate("good", a="passed")]) == [3]


def test_patches_that_behave_alike_outvote_one_that_does_not() -> None:
    assert finalists([candidate("odd", a="skipped"), candidate("p", a="passed"), candidate("q", a="passed")]) == [1, 2]


def test_equal_patches_count_once_and_empty_ones_not_at_all() -> None:
    assert finalists([candidate("p"), candidate(""), candidate("p")]) == [0]
    assert finalists([candidate("")]) == []


# -- calls in text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"name": "view", "arguments": {"path": "a"}}\n```',
        '{"name": "view", "arguments": {"path": "a"}}',
        'I look.\n```\n[{"name": "view", "parameters": {"path": "a"}}]\n```\nDone.',
        '```json\n{"name": "view", "arguments": "{\\"path\\": \\"a\\"}"}',  # cut off before its fence
    ],
)
def test_a_call_written_as_text_is_found(text: str) -> None:
    (use,) = calls_in(text, ["view"])
    assert parse(use, CODER) == CODER["view"](path="a")  # type: ignore[call-arg]


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    for wrapped in (text, f"```json\n{text}\n```"):
        assert all(use.name == "view" for use in calls_in(wrapped, ["view"]))


def test_code_below_a_path_is_a_definition_for_who_may_define() -> None:
    text = "Both:\n\n`shop/a.py`:\n```python\ndef a():\n    pass\n```\n\n**shop/b.py**\n\n```\ndef b(): ...\n```\n"
    found = [json.loads(use.arguments) for use in calls_in(text, list(SMALL))]
    assert found == [
        {"path": "shop/a.py", "code": "def a():\n    pass\n"},
        {"path": "shop/b.py", "code": "def b(): ...\n"},
    ]
    assert calls_in(text, list(CODER)) == ()
    assert calls_in("Look:\n```python\nprint(1)\n```", list(SMALL)) == ()
    (use,) = calls_in("So:\n```python\nclass A:\n    pass\n```\n", list(SMALL))
    assert json.loads(use.arguments) == {"path": "", "code": "class A:\n    pass\n"}


@given(st.sampled_from([*CODER, "fly"]), st.text(max_size=60))
def test_any_call_is_parsed_or_answered(name: str, arguments: str) -> None:
    try:
        call = parse(ToolUse("1", name, arguments), CODER)
    except BadCall as error:
        said = str(error)
    else:
        said = call.name
    assert said.startswith((name, f"there is no tool {name!r}"))


def test_every_tool_is_described_with_its_limits() -> None:
    text = described(CODER)
    assert all(f"- {name}(" in text for name in CODER)
    assert "120 unless given, 600 at most" in text


# -- what fits into a prompt ------------------------------------------------------------------------------------------


@given(st.integers(1_000, 2_000_000))
def test_what_a_prompt_shows_fits_into_what_the_model_reads(context: int) -> None:
    found = room(Model(id="m", base_url="http://x/v1", context=context, output=100))
    assert found.code <= context // 8
    assert all(0 < getattr(found, item.name) <= getattr(Room(), item.name) for item in fields(Room))
    if context >= 48_000:
        assert found == Room()


def test_what_is_clipped_keeps_its_start_and_its_end() -> None:
    text = "a" * 500 + "b" * 500
    assert clipped(text, 1000) == text
    short = clipped(text, 90)
    assert short.startswith("a" * 30 + "\n[... 910 characters")
    assert short.endswith("\n" + "b" * 60)


# -- what a server can do ---------------------------------------------------------------------------------------------


def llama_cpp(request: dict[str, Any]) -> Act:
    """As llama-cpp-python does: the call as text, 500 for OpenAI's schema, its own form of it works."""
    if "tools" in request:
        return Say('```json\n{"name": "ping", "arguments": {"word": "pong"}}\n```')
    if request["response_format"]["type"] == "json_schema":
        return Status(500)
    return Say('{"word": "pong"}')


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        (llama_cpp, {"json_object"}),
        (lambda request: Say("I cannot do that."), set()),
        (lambda request: Status(400), set()),
    ],
)
def test_a_server_is_asked_what_it_can_do(tmp_path: Path, script: Any, wanted: set[str]) -> None:
    with ModelServer(script) as server:
        model = Model(id="m", base_url=server.url, context=10_000, output=100)
        servers = Servers(Journal(tmp_path / "j", {}), Budget(), lambda model: "none")
        assert features(servers, model, tmp_path / "kept") == wanted
        servers.close()
    # What was found is kept: nobody listens there any more.
    assert features(servers, model, tmp_path / "kept") == wanted
