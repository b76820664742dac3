"""Of several patches that pass, the likelier one first."""

from agents.repair.candidates import Proposal
from agents.repair.edits import Edit
from agents.repair.rank import ranked, slowed
from agents.repair.source import parse


def order(text: str, edits: list[tuple[str, str, float]]) -> list[tuple[str, tuple[str, ...], int]]:
    """Of edits (old, new, cost): the new texts in their order, with doubts and how many say the same."""
    source = parse("m.py", text.encode())
    proposals = []
    for old, new, cost in edits:
        start = text.index(old)
        proposals.append(Proposal("m.py", Edit(start, start + len(old), new.encode()), cost, "test", 1))
    return [(item.proposal.edit.text.decode(), item.doubts, item.like) for item in ranked(source, proposals)]


def test_a_name_that_nothing_reads_any_more_counts_against_a_patch() -> None:
    text = "def f(a, b):\n    return a + b\n"
    assert order(text, [("a + b", "a", 1.0), ("a + b", "a - b", 2.0)]) == [
        ("a - b", (), 0),
        ("a", ("leaves a name unused",), 0),
    ]


def test_an_end_without_a_value_counts_against_a_patch() -> None:
    text = "def f(a):\n    if a:\n        return 1\n    return 2\n"
    [(_, doubts, _)] = order(text, [("    return 2\n", "", 1.0)])
    assert doubts == ("may end without a value",)


def test_none_among_values_counts_against_a_patch() -> None:
    text = "def f(a):\n    if a:\n        return True\n    return True\n"
    assert [item[0] for item in order(text, [("True", "None", 1.0), ("True", "False", 1.5)])] == ["False", "None"]


def test_a_function_that_no_longer_calls_itself_is_doubted() -> None:
    text = "def f(a):\n    return f(a - 1) if a else 0\n"
    [(_, doubts, _)] = order(text, [("f(a - 1) if", "a - 1 if", 1.0)])
    assert doubts == ("no longer calls itself",)


def test_a_statement_said_twice_is_doubted() -> None:
    text = "def f(a):\n    a.pop()\n    return a\n"
    [(_, doubts, _)] = order(text, [("    a.pop()\n", "    a.pop()\n    a.pop()\n", 1.0)])
    assert doubts == ("repeats a statement",)


def test_code_that_cannot_run_is_doubted() -> None:
    text = "def f(a):\n    a.pop()\n    return a\n"
    [(_, doubts, _)] = order(text, [("    a.pop()\n", "    return a\n    a.pop()\n", 1.0)])
    assert "leaves code that cannot run" in doubts


def test_a_loop_without_a_second_round_is_doubted() -> None:
    text = "def f(a):\n    while True:\n        if a.pop():\n            return 1\n        a.sort()\n"
    assert order(text, [("a.sort()", "return 2", 1.5), ("a.sort()", "continue", 2.0)]) == [
        ("continue", (), 0),
        ("return 2", ("goes through a loop once at most",), 0),
    ]


def test_an_operation_that_changes_nothing_is_doubted() -> None:
    text = "def f(a):\n    return a ** 2\n"
    assert order(text, [("2", "1", 1.0), ("a ** 2", "a", 1.6)]) == [
        ("a", (), 0),
        ("1", ("computes with what changes nothing",), 0),
    ]


def test_the_same_sum_written_twice_is_doubted() -> None:
    text = "def f(a, b):\n    c = a / b\n    return c - b\n"
    [(_, doubts, _)] = order(text, [("c - b", "c - a / b", 1.0)])
    assert doubts == ("computes the same twice",)


def test_what_takes_more_steps_than_another_is_doubted() -> None:
    source = parse("m.py", b"x = 1\n")
    slow, quick, unknown = (Proposal("m.py", Edit(4, 5, text), 1.0, "test", 1) for text in (b"2", b"3", b"4"))
    found = slowed(ranked(source, [slow, quick, unknown]), {slow: 900, quick: 100, unknown: 0})
    assert {item.proposal: item.score for item in found} == {slow: 2.0, quick: 1.0, unknown: 1.0}


def test_one_that_is_doubted_sets_no_standard_of_steps() -> None:
    source = parse("m.py", b"def f(a, b):\n    return a - b\n")
    right = Proposal("m.py", Edit(26, 27, b"+"), 1.0, "test", 2)
    early = Proposal("m.py", Edit(24, 29, b"a"), 1.0, "test", 2)
    assert [item.doubts for item in slowed(ranked(source, [right, early]), {right: 900, early: 100})] == [
        (),
        ("leaves a name unused",),
    ]


def test_the_same_program_counts_once() -> None:
    text = "def f(a):\n    return a + 1\n"
    assert order(text, [("a + 1", "(a + 2)", 1.5), ("a + 1", "a + 2", 1.0)]) == [("a + 2", (), 1)]


def test_what_does_not_parse_is_left_out() -> None:
    assert order("x = 1\n", [("1", "(", 1.0)]) == []
