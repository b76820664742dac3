"""Edit operators: what they propose, and that they only ever propose edits of the place they look at."""

import ast
import time
from functools import cache

import pytest

from agents.repair.candidates import TRIED, Findings, propose
from agents.repair.edits import apply
from agents.repair.operators.table import OPERATORS
from agents.repair.scope import Observed
from agents.repair.source import Source, parse
from agents.repair.spot import Clues

TEXT = '''\
import re
import json

LIMIT = 10


class Box:
    """Holds items."""

    size = 3

    def __init__(self, items, name=None):
        self.items = items
        self.name = name

    def total(self, start, strict=False):
        result = start
        for index, item in enumerate(self.items):
            if item is None and index < LIMIT:
                continue
            result = result + item  # the sum
        return result

    def label(self, width, fill):
        text = self.name
        return pad(text, width)


def pad(text, width, fill=" "):
    found = re.match(r"^a+", text)
    try:
        value = int(text[1:])
    except ValueError:
        value = 0
    return text + fill * (width - len(text))


def collect(seen, queue):
    while True:
        node = queue.pop()
        for other in sorted(node.outgoing):
            if other.next is None:
                queue.append(other)
    return []


def flag(depth):
    for char in "ab":
        if char == 0:
            depth += 1
    return True
'''

# (a line of the text, what an operator makes of it)
PROPOSED = [
    ("index < LIMIT", "index <= LIMIT"),
    ("item is None and index", "item is None or index"),
    ("item is None and index < LIMIT", "index < LIMIT"),
    ("result + item  # the sum", "result - item  # the sum"),
    ("result = result + item", "result = item"),
    ("result = result + item", "result += result + item"),
    ("enumerate(self.items)", "enumerate(self.items[1:])"),
    ("LIMIT = 10", "LIMIT = 11"),
    ("strict=False", "strict=True"),
    ("size = 3", "size = 2"),
    ("return pad(text, width)", "return pad(width, text)"),
    ("return pad(text, width)", "return pad(text, width, fill)"),
    ("return pad(text, width)", "return pad(text, width, fill=fill)"),
    ("return pad(text, width)", "return pad(text or '', width)"),
    ("return pad(text, width)", "return text"),
    ("text = self.name", "text = self.items"),
    ('r"^a+"', 'r"a+"'),
    ('r"^a+"', 'r"\\ba+"'),
    ('r"^a+"', 'r"^a*"'),
    ("re.match", "re.search"),
    ("text[1:]", "text[:1]"),
    ("except ValueError", "except (ValueError, TypeError)"),
    ("(width - len(text))", "(width - len(text) + 1)"),
    ("while True", "while queue"),
    ("queue.pop()", "queue.popleft()"),
    ("other.next is None", "other is None or other.next is None"),
    ("other.next is None", "other.next is not None"),
    ("return []", "return [[]]"),
    ("return []", "return None"),
    ("sorted(node.outgoing)", "node.outgoing"),
    ("sorted(node.outgoing)", "reversed(node.outgoing)"),
    ("    return True", "    return depth == 0"),
    ("depth += 1", "depth -= 1"),
    ("depth += 1", "depth = 1"),
    ("                continue\n", "                break\n"),
    ("        result = start\n", ""),
    ("        node = queue.pop()\n", "        node = queue.pop()\n        seen.add(node)\n"),
    ("        node = queue.pop()\n", "        if not queue:\n            return []\n        node = queue.pop()\n"),
    ("        text = self.name\n", "        text = self.name\n        if not text:\n            return text\n"),
]


@cache
def source() -> Source:
    return parse("m.py", TEXT.encode())


@cache
def results() -> frozenset[bytes]:
    lines = {("m.py", number): 1.0 for number in range(1, TEXT.count("\n") + 1)}
    known = Observed({"seen": frozenset({"set"}), "queue": frozenset({"list"})})
    first = next(node.lineno for node in source().tree.body if getattr(node, "name", "") == "collect")
    findings = Findings(lines, {"m.py": {(first, "collect"): known}}, Clues())
    proposals = propose({"m.py": source()}, findings, until=time.monotonic() + 60)
    return frozenset(apply(source().data, [item.edit]) for item in proposals)


@pytest.mark.parametrize(("old", "new"), PROPOSED)
def test_is_proposed(old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert TEXT.replace(old, new).encode() in results()


def test_nearly_all_of_it_is_python() -> None:
    """What does not compile costs a try each."""
    broken = [data for data in results() if not compiles(data)]
    assert len(broken) < len(results()) / 50


def compiles(data: bytes) -> bool:
    try:
        ast.parse(data)
    except SyntaxError:
        return False
    return True


def test_comments_and_the_rest_of_the_file_stay() -> None:
    kept = b'def pad(text, width, fill=" "):\n'
    assert all(kept in data or b"def pad(" in data for data in results())
    assert sum(b"# the sum" not in data for data in results()) < len(results()) / 50


def test_the_cheapest_come_first_and_suspicion_counts() -> None:
    lines = {("m.py", 18): 1.0, ("m.py", 21): 0.1}
    proposals = propose({"m.py": source()}, Findings(lines), until=time.monotonic() + 60)
    costs = [item.cost for item in proposals]
    assert costs == sorted(costs)
    assert proposals[0].line == 18


@pytest.mark.slow
def test_the_dearest_of_very_many_are_left_out() -> None:
    body = "".join(f"    v{number} = f(a, v{number - 1})\n" for number in range(1, 90))
    text = parse("m.py", f"def g(a, v0):\n{body}".encode())
    lines = {("m.py", number): 1.0 if number == 50 else 0.5 for number in range(1, 99)}
    proposals = propose({"m.py": text}, Findings(lines), until=time.monotonic() + 60)
    assert len(proposals) == TRIED
    assert max(item.cost for item in proposals) < 3.0


def test_time_is_kept() -> None:
    lines = {("m.py", number): 1.0 for number in range(1, 60)}
    assert propose({"m.py": source()}, Findings(lines), until=time.monotonic()) == []


# (text of a file, another file, what the failure tells, a place in the first file, what an operator makes of it)
def test_a_long_piece_of_the_tests_data_is_not_put_into_the_program() -> None:
    text = parse("m.py", b"def f():\n    return 'a-b'\n")
    long = "<td>expected</td><td>text</td>"
    findings = Findings({("m.py", 2): 1.0}, {}, Clues(pairs=(("", long), ("-", long))))
    proposals = propose({"m.py": text}, findings, until=time.monotonic() + 60)
    assert not any(long.encode() in apply(text.data, [item.edit]) for item in proposals)


def test_types_that_were_seen_keep_misfits_out() -> None:
    text = parse("m.py", b"def f(a, b, c):\n    return len(a)\n")
    seen = {"a": frozenset({"list"}), "b": frozenset({"int"}), "c": frozenset({"list"})}
    findings = Findings({("m.py", 2): 1.0}, {"m.py": {(1, "f"): Observed(seen)}})
    after = {apply(text.data, [item.edit]) for item in propose({"m.py": text}, findings, until=time.monotonic() + 60)}
    assert b"def f(a, b, c):\n    return len(c)\n" in after
    assert b"def f(a, b, c):\n    return len(b)\n" not in after


def test_types_that_were_not_seen_are_read_where_they_are_written() -> None:
    text = parse("m.py", b"def f(node):\n    seen = set()\n    return g(node)\n")
    proposals = propose({"m.py": text}, Findings({("m.py", 3): 1.0}), until=time.monotonic() + 60)
    after = {apply(text.data, [item.edit]) for item in proposals}
    assert b"def f(node):\n    seen = set()\n    seen.add(node)\n    return g(node)\n" in after


MORE = """\
@cache
def first(a, b, mode=None):
    if mode == "r" and isinstance(a, list):
        return first(a, b, mode="w")
    left = [a]
    for i in range(b):
        left.append(a[i])
    if mode == "w":
        raise ValueError(f"{a} a")
    return a


def second(a, b):
    c = b
    if a:
        b = left(a, b)
    while a[b]:
        b += a.size
    left = first(a[1:], 7)
    a[b] = c
    return b
"""


def test_every_operator_has_something_to_say() -> None:
    """An operator that never proposes anything is dead code."""
    clues = Clues((("a", "b"),), ("x",), ("KeyError", "IndexError"), ("KeyError",), ("b",))
    more = parse("n.py", MORE.encode())
    lines = {(name, number): 1.0 for name in ("m.py", "n.py") for number in range(1, TEXT.count("\n") + 1)}
    seen = Observed({"a": frozenset({"NoneType", "Box"})}, {"a": {"size": frozenset({"int"})}})
    findings = Findings(lines, {"n.py": {(13, "second"): seen}}, clues)
    proposals = propose({"m.py": source(), "n.py": more}, findings, until=time.monotonic() + 60)
    assert OPERATORS.keys() - {item.operator for item in proposals} == set()
