"""Where a symbol is defined, and where it is called: exact answers for a person and for the roles' tools."""

from collections.abc import Iterable
from dataclasses import dataclass

from agents.index.languages import LANGUAGES, grammar, query
from agents.index.snapshot import Snapshot
from agents.index.tree import Read
from agents.index.vocabulary import encode
from agents.index.words import plain_forms

MOST_FILES = 200  # that are parsed for one question


@dataclass(frozen=True, slots=True)
class Definition:
    path: str
    name: str  # Class.method
    kind: str
    line: int  # from 1; `last` inclusive
    last: int


@dataclass(frozen=True, slots=True)
class Reference:
    path: str
    line: int  # from 1
    text: str


def definitions(snapshot: Snapshot, name: str) -> list[Definition]:
    """Everything of this name, tests included: `method`, `Class` or `Class.method`."""
    last = name.rpartition(".")[2]
    found = (unit for unit, own in enumerate(snapshot.names) if own == last and own)
    return [
        Definition(
            snapshot.paths[snapshot.unit_file[unit]],
            qualified,
            snapshot.kind_name(unit),
            int(snapshot.line[unit]),
            int(snapshot.last[unit]),
        )
        for unit in found
        if (qualified := snapshot.qualified(unit)) == name or qualified.endswith(f".{name}")
    ]


def references(snapshot: Snapshot, name: str, read: Read) -> list[Reference]:
    """Calls of a name, by the language's query: the index says which files may hold one, and those are parsed.

    Files by lines have no grammar and are left out.
    """
    last = name.rpartition(".")[2]
    files = [(snapshot.paths[file], snapshot.languages[file]) for file in _files_that_name(snapshot, last)]
    return [
        reference
        for path, language in [each for each in files if each[1] in LANGUAGES][:MOST_FILES]
        for reference in _calls(path, language, last.encode(), read(path))
    ]


def _files_that_name(snapshot: Snapshot, name: str) -> list[int]:
    """Files in which the name stands as a word: a call need not have a parenthesis."""
    if not (found := plain_forms(name)):  # single letters and stop words are not indexed
        return [*range(len(snapshot.paths))]
    units = snapshot.occurrences(encode(found[:1]), "text").unit
    return sorted(set(snapshot.unit_file[units].tolist()))


def _calls(path: str, language: str, name: bytes, data: bytes) -> Iterable[Reference]:
    import tree_sitter

    tree = tree_sitter.Parser(grammar(language)).parse(data)
    found = tree_sitter.QueryCursor(query(language, "references")).captures(tree.root_node).get("call", [])
    lines = data.decode("utf-8", "replace").split("\n")
    for row in sorted({node.start_point.row for node in found if node.text == name}):
        yield Reference(path, row + 1, lines[row].strip()[:240])
