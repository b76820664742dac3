import argparse
import ast
import asyncio.base_events
import dataclasses
import inspect
import random
import typing
from pathlib import Path
from types import ModuleType

import pytest
import tree_sitter
from hypothesis import given
from hypothesis import strategies as st

from agents.index.found import Found
from agents.index.languages import LANGUAGES, grammar, query
from agents.index.parse import parse
from agents.index.python_outline import outline
from agents.index.python_walk import walk

SAMPLES = {
    "python": b"import m\nclass A(B):\n    '''Doc.'''\n    @property\n    def f(self): return g()\n",
    "javascript": b"import x from './m';\n/** Doc. */\nclass A extends B {\n  f() { return g(); }\n}",
    "typescript": b"import {x} from './m';\nclass A extends B {\n  f(): void { g(); }\n}\ninterface I { k(): void }\n",
    "tsx": b"import {x} from './m';\nclass A extends B {\n  f() { return <b>{g()}</b>; }\n}\n",
    "go": b'package p\nimport "m"\ntype A struct { B }\n// Doc.\nfunc (a A) f() { g() }\nfunc h() {}\n',
    "rust": b"use m::x;\n/// Doc.\nstruct A;\nimpl B for A {\n fn f(&self) { g(); }\n}\n",
    "java": b"import m.x;\n/** Doc. */\nclass A extends B {\n  void f() { g(); }\n}\n",
    "c": b'#include "m.h"\nstruct A { int x; };\n/* Doc. */\nint f(void) { return g(); }\n',
    "cpp": b'#include "m.h"\nclass A : public B {\n  int f() { return g(); }\n};\n',
    "c_sharp": b"using m;\nclass A : B {\n  void f() { g(); }\n}\n",
    "ruby": b"require 'm'\n# Doc.\nclass A < B\n  def f\n    g()\n  end\nend\n",
    "php": b"<?php\nuse m\\x;\nclass A extends B {\n  function f() { g(); }\n}\n",
    "kotlin": b"import m.x\nclass A : B() {\n  fun f() { g() }\n}\n",
    "swift": b"import m\nclass A: B {\n  func f() { g() }\n}\n",
    "scala": b"import m.x\nclass A extends B {\n  def f() = g()\n}\n",
}
NO_BASE = {"c"}
FREE_METHOD = {"go", "c"}  # f stands outside of its type


@pytest.mark.parametrize("language", LANGUAGES)
def test_definitions_bases_and_imports_of_every_language(language: str) -> None:
    parsed = parse(language, SAMPLES[language])
    named = {unit.name: unit for unit in parsed.units}
    assert named["A"].kind == "class"
    assert named["f"].kind == ("function" if language in FREE_METHOD else "method")
    assert language in NO_BASE or "B" in {base for unit in parsed.units for base in unit.bases}
    assert any("m" in name for name in parsed.imports)


@pytest.mark.parametrize("language", LANGUAGES)
def test_references_of_every_language(language: str) -> None:
    tree = tree_sitter.Parser(grammar(language)).parse(SAMPLES[language])
    found = tree_sitter.QueryCursor(query(language, "references")).captures(tree.root_node)
    assert b"g" in {node.text for node in found["call"]}


def test_a_nested_function_belongs_to_the_outer_and_a_decorator_to_what_it_decorates() -> None:
    units = parse("python", b"@cached\ndef outer():\n    def inner():\n        pass\n    return inner\n").units
    assert [(unit.name, unit.line, unit.last) for unit in units] == [("", 1, 5), ("outer", 1, 5)]


@pytest.mark.parametrize(
    ("language", "data"),
    [
        ("python", b'def f():\n    r"""Sums up.\n\n    More."""\n'),
        ("javascript", b"/**\n * Sums up.\n */\nfunction f() {}\n"),
        ("go", b"package p\n\n// Sums up.\nfunc f() {}\n"),
    ],
)
def test_a_unit_knows_the_first_line_of_its_doc_comment(language: str, data: bytes) -> None:
    assert [unit.doc for unit in parse(language, data).units] == ["", "Sums up."]


def test_prose_is_cut_at_headings_and_unknown_code_into_windows() -> None:
    assert [unit.name for unit in parse("prose", b"Intro\n=====\n\ntext\n\n## Two\n\nmore\n").units] == [
        "",
        "Intro",
        "Two",
    ]
    assert len(parse("lines", b"x\n" * 150).units) == 3


@given(st.sampled_from(["python", "javascript", "prose", "lines", "c"]), st.binary(max_size=300))
def test_every_byte_belongs_to_one_unit(language: str, data: bytes) -> None:
    parsed = parse(language, data)
    assert b"".join(data[piece.start : piece.end] for piece in parsed.pieces) == data
    assert all(parsed.units[unit.parent].start <= unit.start for unit in parsed.units[1:])
    assert all(1 <= unit.line <= unit.last for unit in parsed.units)


BROKEN = [
    "def f():\n",
    "class A:\n",
    "@d\n",
    "    ",
    "pass\n",
    "if x:\n",
    "'d'\n",
    "(",
    "import m\n",
    "async ",
    "# c\n",
]


@given(st.lists(st.sampled_from(BROKEN), max_size=8))
def test_python_that_is_broken_anywhere_is_parsed(parts: list[str]) -> None:
    data = "".join(parts).encode()
    parsed = parse("python", data)
    assert b"".join(data[piece.start : piece.end] for piece in parsed.pieces) == data


def test_python_definitions_are_found_within_conditions_and_not_within_functions() -> None:
    data = b"try:\n    import fast\nexcept E:\n    if x:\n        class A(p.B):\n            def f(self):\n"
    data += b"                from slow import g\n                def h(): pass\n"
    parsed = parse("python", data)
    assert [(unit.kind, unit.name, unit.bases) for unit in parsed.units[1:]] == [
        ("class", "A", ("B",)),
        ("method", "f", ()),
    ]
    assert parsed.imports == ("fast", "slow")


def _structure(data: bytes, tree: tree_sitter.Tree) -> tuple[object, ...]:
    found = Found(data)
    walk(tree.root_node, found)
    docs = {start: node.end_byte for start, node in found.docs.items()}
    return found.units, found.bases, docs, found.imports


@pytest.mark.parametrize("module", [argparse, ast, asyncio.base_events, dataclasses, inspect, random, typing])
def test_a_python_file_has_the_same_structure_without_the_insides_of_its_functions(module: ModuleType) -> None:
    data, parser = Path(str(module.__file__)).read_bytes(), tree_sitter.Parser(grammar("python"))
    left = outline(data)
    assert len(left) == len(data)
    assert len(left.split()) < 0.8 * len(data.split())
    tree = parser.parse(left)
    assert not tree.root_node.has_error
    assert _structure(data, tree) == _structure(data, parser.parse(data))


BODIES = {
    "a bracket that closes at the statements' indentation": "x = [\n    a,\n    b]\n    return x",
    "a last statement with branches": "x = 1\n    y = 2\n    if x:\n        y\n    else:\n        x",
    "a string with lines that look like statements": "x = '''\n    a\n    b'''\n    c",
    "an import after other statements": "x = 1\n    import q\n    y = 2\n    return x",
    "a string at the end that is no docstring": "x = 1\n    y = 2\n    'no doc'",
    "a bytes literal at the end": "x = 1\n    y = 2\n    b'no doc'",
    "a docstring of one line": "'doc'\n    x = 1\n    y = 2\n    return x",
    "a comment before the docstring": "# why\n    'doc'\n    x = 1\n    y = 2\n    return x",
    "a comment to the left": "x = 1\n# why\n    y = 2\n    return x",
    "a comment at the end": "x = 1\n    y = 2\n    return x  # why\n    # and why",
    "a function in it": "def g():\n        x\n        y\n    z = 1\n    return g",
    "other line ends": "x = 1\r\n    y = 2\r\n    return x\r",
    "nothing but what is left": "...",
}


@pytest.mark.parametrize("head", ["def f(a=(1, 2)):", "async def f(\n    a, b,\n) -> C:  # why"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_function_is_found_whatever_is_in_it(head: str, body: str) -> None:
    data = f"\n{head}\n    {body}\n\n\nclass A:\n    m = 1\n".encode()
    units = parse("python", data).units
    whole = _structure(data, tree_sitter.Parser(grammar("python")).parse(data))
    assert {(unit.name, unit.start, unit.end) for unit in units[1:]} == {
        (unit.name, unit.start, unit.end) for unit in whole[0].values()
    }
    assert units[1].doc == ("doc" if "'doc'" in body else "")
    assert parse("python", data).imports == (("q",) if "import" in body else ())
