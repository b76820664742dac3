"""A person walks through what solvers did: the tests' verdict comes last, and every answer is kept at once."""

import io
from collections.abc import Callable
from pathlib import Path

from report_runs import result
from rich.console import Console

from agents.run.judges import judge_agreement, reviewed
from agents.run.reading import Reading, chosen
from agents.run.traces import Trace
from agents.trajectory import Step, ToolCall, Trajectory
from tasks.acceptance import people
from tasks.labels import Labels

READ = ToolCall("1", "read", {"path": "a.py"}, "x = 1")
CODER = Trajectory("coder/0", (Step("user", "mend it"), Step("agent", "I read\x1b[2J it", calls=(READ,))), "coder/0")


def trace(number: int, outcome: str = "resolved", review: str = "") -> Trace:
    said = Step("agent", f'{{"verdict": "{review}", "reasons": "so"}}')
    reviewer = Trajectory("reviewer/0", (said,), "reviewer/0")
    whole = Trajectory("a", (Step("agent", "begun"),), children=(CODER, reviewer) if review else (CODER,))
    return Trace(result("a", number, outcome=outcome), f"issue {number}", whole)


def answers(*lines: str) -> Callable[[], str]:
    waiting = iter([f"{line}\n" for line in lines])
    return lambda: next(waiting, "")


def walked(folder: Path, traces: list[Trace], *lines: str) -> tuple[str, str]:
    screen = io.StringIO()
    told = Reading(Labels(folder), "ann", Console(file=screen, width=100), answers(*lines)).walk(traces)
    return told, screen.getvalue()


def test_a_walk_keeps_verdicts_tags_and_notes(tmp_path: Path) -> None:
    traces = [trace(number, "unresolved") for number in range(4)]
    told, screen = walked(tmp_path, traces, "a", "small, clear", "good", "s", "?", "m", "r", "", "", "q")
    assert told.startswith("2 labels kept")
    first, second = Labels(tmp_path).read()
    assert (first.instance_id, first.verdict, first.tags, first.note, first.by) == (
        "org__calc-000", "accept", ("small", "clear"), "good", "ann",
    )  # fmt: skip
    assert (second.instance_id, second.verdict, second.tags) == ("org__calc-002", "reject", ())
    assert screen.index("the tests say: unresolved") > screen.index("tags, with commas")
    assert "\x1b[2J" not in screen
    assert "read(path='a.py')" in screen


def test_a_walk_goes_on_where_it_stopped(tmp_path: Path) -> None:
    traces = [trace(number) for number in range(3)]
    walked(tmp_path, traces, "u", "", "")  # then the input ends
    told, screen = walked(tmp_path, traces, "a", "", "", "a", "", "")
    assert told.startswith("2 labels kept")
    assert told.endswith("1 were there before")
    assert "issue 0" not in screen
    assert [label.verdict for label in Labels(tmp_path).read()] == ["unsure", "accept", "accept"]


def test_the_sample_is_the_same_for_the_same_seed_and_leaves_out_the_machine() -> None:
    traces = [trace(number, "infra_error" if number == 3 else "resolved") for number in range(30)]
    found = [each.result.instance_id for each in chosen(traces, 5, 1)]
    assert found == [each.result.instance_id for each in chosen(traces[::-1], 5, 1)]
    assert found != [each.result.instance_id for each in chosen(traces, 5, 2)]
    assert "org__calc-003" not in [each.result.instance_id for each in chosen(traces, 100, 1)]


def test_the_reviewers_word_is_held_against_peoples(tmp_path: Path) -> None:
    traces = [trace(0, review="accept"), trace(1, review="revise"), trace(2, review="accept"), trace(3)]
    walked(tmp_path, traces, *(line for word in "arra" for line in (word, "", "")))
    assert [reviewed(each) for each in traces] == [True, False, True, None]
    found = judge_agreement(traces, people(Labels(tmp_path).read()))["a"]
    assert (found.yes, found.no, found.only_first, found.only_second) == (1, 1, 1, 0)
