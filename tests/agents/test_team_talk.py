"""What is said between the roles: evidence, reasons, wrong calls, long talks, and what a server cannot do."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from model_server import Act, ModelServer, Say, overflow
from team_site import ACCEPT, DONE, MEND, SHOP, TEST, World, by_role, role_of, solver, typed

from tasks.limits import Allowance


def test_failing_evidence_goes_back_to_the_same_talk_without_a_review(tmp_path: Path) -> None:
    world = World(tmp_path)
    wrong = ("edit", {**MEND[1], "replace": "    return sum(prices) + 1"})
    right = ("edit", {**MEND[1], "search": "sum(prices) + 1", "replace": "sum(prices)"})
    talks: list[int] = []

    def coder(request: dict[str, Any]) -> Act:
        talks.append(len(request["messages"]))
        turns = [Say(calls=[wrong, DONE]), Say(calls=[DONE]), Say(calls=[right, DONE])]
        return turns[len(talks) - 1]

    def play(request: dict[str, Any]) -> Act:
        match role_of(request):
            case "tester":
                return typed(TEST)
            case "reviewer":
                return typed(ACCEPT)
        return coder(request)

    with ModelServer(play) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert talks == sorted(talks)
    assert talks[2] > talks[1]
    assert "return sum(prices)\n" in (world.after(attempt.patch)["shop/price.py"] or "")
    assert [role_of(request) for request in server.requests].count("reviewer") == 1


def test_a_reviewer_sends_back_with_reasons_that_the_coder_reads(tmp_path: Path) -> None:
    world = World(tmp_path)
    reject = typed({"verdict": "revise", "reasons": "say what an empty list gives"})
    more = ("edit", {"path": "shop/price.py", "search": "The sum of all prices.", "replace": "The sum; 0 of none."})
    script = by_role(
        tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE]), Say(calls=[more, DONE])], reviewer=[reject, typed(ACCEPT)]
    )
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert "0 of none" in (world.after(attempt.patch)["shop/price.py"] or "")
    coder = [request for request in server.requests if role_of(request) == "coder"]
    assert "say what an empty list gives" in coder[1]["messages"][-1]["content"]


def test_prompts_of_a_role_only_grow(tmp_path: Path) -> None:
    world = World(tmp_path)
    look = ("view", {"path": "shop/price.py"})
    script = by_role(
        tester=[typed(TEST)],
        coder=[
            Say(calls=[look]),
            Say("thinking"),
            Say(calls=[("run", {"command": "echo hi"})]),
            Say(calls=[MEND, DONE]),
        ],
        reviewer=[typed(ACCEPT)],
    )
    with ModelServer(script) as server:
        solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    talks = [request["messages"] for request in server.requests if role_of(request) == "coder"]
    for before, after in pairwise(talks):
        assert after[: len(before)] == before


def fenced(name: str, **arguments: str) -> Say:
    return Say(f"```json\n{json.dumps({'name': name, 'arguments': arguments})}\n```")


def test_a_small_model_edits_until_the_tests_pass_and_needs_few_tools(tmp_path: Path) -> None:
    world = World(tmp_path)
    wrong = fenced("edit", **{**MEND[1], "replace": "    return sum(prices) + 1"})
    same = fenced("edit", **{**MEND[1], "replace": MEND[1]["search"]})
    mended = Say(
        "The slice:\n\nsrc/total.py\n```python\ndef total(prices):\n    return sum(prices)\n```\nNow it adds all."
    )
    script = by_role(tester=[typed(TEST)], coder=[wrong, same, fenced("done"), mended], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept", supports=(), prompts="small").solve(world.task(), world.site())
    assert attempt.ended == "patched"
    assert "return sum(prices)\n" in (world.after(attempt.patch)["shop/price.py"] or "")
    coder = [request["messages"] for request in server.requests if role_of(request) == "coder"]
    assert [len(messages) for messages in coder] == [2, 2, 2, 4]
    assert coder[2] == coder[1] == coder[0]  # an edit that does not do, or changes nothing, is taken back
    system = coder[0][0]["content"]
    assert all(tool in system for tool in ("- view(", "- define(", "- edit("))
    assert not any(tool in system for tool in ("- run(", "- done(", "- create("))
    assert coder[3][-1]["content"] == "Edit the code: the issue is not solved yet."


def test_wrong_calls_are_answered_and_a_loop_without_progress_ends(tmp_path: Path) -> None:
    world = World(tmp_path)
    odd = Say(
        calls=[("fly", {}), ("view", {"file": "x"}), ("edit", "not json"), ("view", {"path": "../../etc/passwd"})]
    )
    script = by_role(tester=[typed(TEST)], coder=[odd, *[Say(calls=[("view", {"path": "nowhere.py"})])] * 4])
    with ModelServer(lambda request: script(request)) as server:
        site = world.site(Allowance(calls=6))
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), site)
    answers = [m["content"] for m in server.requests[-1]["messages"] if m["role"] == "tool"]
    assert "there is no tool 'fly'" in answers[0]
    assert "path: Field required" in answers[1]
    assert "Invalid JSON" in answers[2]
    assert "No such file" in answers[4]
    assert any("circles" in event.text for event in world.events)
    assert world.events[-1].data == {"malformed": 3}  # a tool that is not there, twice arguments that do not fit
    assert attempt.patch == b""


def test_a_server_without_tools_or_schemas_is_talked_to_in_text(tmp_path: Path) -> None:
    world = World(tmp_path)
    fenced = (
        "I will mend it.\n```json\n"
        + json.dumps([{"name": MEND[0], "arguments": MEND[1]}, {"name": "done", "arguments": DONE[1]}])
        + "\n```"
    )
    script = by_role(
        tester=[Say("not json"), Say("```json\n" + json.dumps(TEST) + "\n```")],
        coder=[Say(fenced)],
        reviewer=[Say("Fine: " + json.dumps(ACCEPT))],
    )
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept", supports=()).solve(world.task(), world.site())
    assert attempt.ended == "patched"
    assert not any("tools" in request or "response_format" in request for request in server.requests)
    assert "does not fit" in server.requests[1]["messages"][-1]["content"]


def test_a_talk_that_grew_too_long_is_shortened_once(tmp_path: Path) -> None:
    world = World(tmp_path, files={**SHOP, "long.txt": "word " * 4000})
    look = ("run", {"command": "cat long.txt"})
    script = by_role(
        tester=[typed(TEST)],
        coder=[Say(calls=[look]), Say(calls=[look]), overflow(), Say(calls=[MEND, DONE])],
        reviewer=[typed(ACCEPT)],
    )
    with ModelServer(script) as server:
        attempt = solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert attempt.ended == "patched"
    coder = [request["messages"] for request in server.requests if role_of(request) == "coder"]
    assert coder[-1][:2] == coder[0][:2]
    assert "left out to save room" in coder[-1][3]["content"]
    assert "word word" in coder[-1][5]["content"]


def test_every_role_reads_what_the_repository_says(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = by_role(tester=[typed(TEST)], coder=[Say(calls=[MEND, DONE])], reviewer=[typed(ACCEPT)])
    with ModelServer(script) as server:
        solver(server.url, tmp_path / "kept").solve(world.task(), world.site())
    assert all("Write plain code." in request["messages"][1]["content"] for request in server.requests)


# -- people -----------------------------------------------------------------------------------------------------------
