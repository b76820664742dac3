"""What the index knows of a tree, as the roles ask for it: likely files, their code, hits of a search."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from agents.index.company import search_context
from agents.index.context import context
from agents.index.rank import Ranking, rank
from agents.index.snapshot import Snapshot, is_test
from agents.index.spectrum import Line
from agents.index.symbols import definitions
from agents.index.tree import Read, unchanged

FILES = 12  # that are named
HITS = 8  # of a search


@dataclass(frozen=True)
class IndexGuide:
    """`snapshot` is of the tree at `tree`; `suspicion` as in `Site`."""

    snapshot: Snapshot
    tree: Path
    suspicion: Mapping[Line, float] = field(default_factory=dict)

    @cached_property
    def _read(self) -> Read:
        return unchanged(self.tree, dict(zip(self.snapshot.paths, self.snapshot.blobs, strict=True)))

    def _rank(self, text: str) -> Ranking:
        return rank(self.snapshot, text, suspicion=self.suspicion)

    def ranked(self, text: str) -> Sequence[str]:
        return [file.path for file in self._rank(text).files[:FILES]]

    def context(self, text: str, tokens: int) -> str:
        """The likeliest files and symbols, and what documents and sibling repositories say, within the bound."""
        passages = search_context(self.snapshot, self._read, self.tree, text)
        return context(self.snapshot, self._rank(text), self._read, tokens, passages=passages)

    def homes(self, name: str) -> Collection[str]:
        return {one.path for one in definitions(self.snapshot, name) if not is_test(one.path)}

    def find(self, query: str) -> str:
        """Definitions of a name, or that fit a description; then passages of documents and sibling repositories."""
        exact = [
            f"{one.path}:{one.line}-{one.last}: {one.kind} {one.name}" for one in definitions(self.snapshot, query)
        ]
        symbols = rank(self.snapshot, query).symbols[:HITS]
        fitting = [f"{one.path}:{one.line}-{one.last}: {one.kind} {one.name}" for one in symbols]
        beside = [
            f"{one.origin + ': ' if one.origin else ''}{one.path}:{one.line}-{one.last}: {one.name or 'text'}"
            for one in search_context(self.snapshot, self._read, self.tree, query, HITS // 2)
        ]
        return "\n".join(dict.fromkeys([*exact[:HITS], *fitting, *beside])) or "no definition fits"
