"""What is proposed because it is written elsewhere, or because a failure tells it."""

import time

import pytest

from agents.repair.candidates import Findings, propose
from agents.repair.edits import apply
from agents.repair.scope import Observed
from agents.repair.source import parse
from agents.repair.spot import Clues

TOLD = [
    ("f(a)", "f(1, deep=True)", Clues(), "f(a)", "f(a, deep=True)"),
    ("f(a)", "def f(x, deep): pass", Clues(), "f(a)", "f(a, deep=None)"),
    ("f(a, b=1)", "f(1, b=2)", Clues(), "b=1", "b=2"),
    ("f(a)", "f(a + 1)", Clues(), "f(a)", "f(a + 1)"),
    ("f(a)", "f(unknown)", Clues(), "f(a)", None),
    ("b = a", "def other():\n    b = a * 3", Clues(), "b = a", "b = a * 3"),
    ("f(a)", "def g():\n    a.close()", Clues(), "f(a)\n", "f(a)\n    a.close()\n"),
    (
        "f(a)",
        "def g():\n    if a < 3:\n        return 4",
        Clues(),
        "    f(a)",
        "    if a < 3:\n        return 4\n    f(a)",
    ),
    (
        "f(a)",
        "",
        Clues(wanted=("ValueError",)),
        "    f(a)",
        '    if a is None:\n        raise ValueError(f"a is {a!r}")\n    f(a)',
    ),
    ("f(a)", "", Clues(told=("no a",)), "    f(a)", "    if not a:\n        raise ValueError('no a')\n    f(a)"),
    ("while True:\n        f(b[a])", "", Clues(exceptions=("IndexError",)), "True", "a < len(b)"),
    ("if b[0] == 1:\n        f(a)", "", Clues(exceptions=("IndexError",)), "b[0] == 1", "b and b[0] == 1"),
    ("if a:\n        b = 1\n    if c > 3:\n        b = 2", "", Clues(), "if a:", "if a and c > 3:"),
    ("isinstance(a, list)", "", Clues(), "list", "(list, tuple)"),
    ("isinstance(a, (str, int))", "", Clues(), "(str, int)", "(str, int, bytes)"),
    ("return [a]", "", Clues(), "[a]", "list(a)"),
    ("return tuple(a)", "", Clues(), "tuple(a)", "(a,)"),
    ("a[0] = b", "", Clues(), "a[0] = b", "a.append(b)"),
    ("return f'{a}-x'", "", Clues(pairs=(("-", "_"),)), "-x", "_x"),
    ("open(a, 'wb')\n    open(b, 'w')", "", Clues(), "'wb'", "'w'"),
    ("f(a)", "", Clues(missing=("a",)), "(a):", "(a=None):"),
    (
        "f(a)",
        "",
        Clues(exceptions=("KeyError",)),
        "    f(a)",
        "    try:\n        f(a)\n    except KeyError:\n        pass",
    ),
    ("x = a", "", Clues(), "x = a", "x = self.a"),
]


@pytest.mark.parametrize(("body", "other", "clues", "old", "new"), TOLD)
def test_what_is_written_elsewhere_or_told_by_a_failure_is_proposed(
    body: str, other: str, clues: Clues, old: str, new: str | None
) -> None:
    text = f"def g(a):\n    {body}\n"
    if "self" in (new or ""):
        text = f"class C:\n  def g(self):\n    {body}\n  def a(self): pass\n"
    files = {"m.py": parse("m.py", text.encode()), "n.py": parse("n.py", other.encode())}
    lines = {("m.py", number): 1.0 for number in range(1, 9)}
    proposals = propose(files, Findings(lines, {}, clues), until=time.monotonic() + 60)
    after = {apply(files["m.py"].data, [item.edit]).decode() for item in proposals}
    assert text.count(old) == 1
    if new is None:
        assert not any("unknown" in item for item in after)
    else:
        assert text.replace(old, new) in after


SIGNATURE = """\
@cache
def one(a, strict=True):
    return a


def two(a, strict=False):
    return a
"""


@pytest.mark.parametrize(
    ("old", "new"), [("strict=False", "strict=True"), ("strict=False", "strict=None"), ("def two", "@cache\ndef two")]
)
def test_a_signature_is_changed_to_what_others_have(old: str, new: str) -> None:
    text = parse("m.py", SIGNATURE.encode())
    proposals = propose({"m.py": text}, Findings({("m.py", 7): 1.0}), until=time.monotonic() + 60)
    assert SIGNATURE.replace(old, new).encode() in {apply(text.data, [item.edit]) for item in proposals}


def test_what_may_be_none_is_given_a_value() -> None:
    text = parse("m.py", b"def f(a):\n    return len(a)\n")
    seen = Observed({"a": frozenset({"NoneType", "list"})})
    proposals = propose(
        {"m.py": text}, Findings({("m.py", 2): 1.0}, {"m.py": {(1, "f"): seen}}), until=time.monotonic() + 60
    )
    after = {apply(text.data, [item.edit]) for item in proposals}
    assert b"def f(a):\n    if a is None:\n        a = []\n    return len(a)\n" in after


def test_a_mined_text_is_put_in_the_quotes_of_the_old_one() -> None:
    text = parse("m.py", b"def f():\n    return 'a-b'\n")
    findings = Findings({("m.py", 2): 1.0}, {}, Clues(pairs=(("-", "_"),)))
    proposals = propose({"m.py": text}, findings, until=time.monotonic() + 60)
    assert b"def f():\n    return 'a_b'\n" in {apply(text.data, [item.edit]) for item in proposals}
