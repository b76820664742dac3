"""What the index knows of a tree, as the roles ask for it: likely files, their code, hits of a search."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.index.rank import RankedSymbol, rank
from agents.index.snapshot import Snapshot

FILES = 12  # that are named in an opening
HITS = 8  # of a search
TOKEN = 3  # characters: code has few words that are one token
WIDTH = 240  # characters of one line
LONGEST = 120  # lines of one symbol


@dataclass(frozen=True)
class IndexGuide:
    """`snapshot` is of the tree at `tree`."""

    snapshot: Snapshot
    tree: Path

    def ranked(self, text: str) -> Sequence[str]:
        return [file.path for file in rank(self.snapshot, text).files[:FILES]]

    def context(self, text: str, tokens: int) -> str:
        """The likeliest files by name, then the likeliest symbols with their code, as far as the bound reaches."""
        ranking = rank(self.snapshot, text)
        if not ranking.files:
            return ""
        names = [f"- {file.path}" + (f" ({', '.join(file.why)})" if file.why else "") for file in ranking.files[:FILES]]
        parts = ["Files, likeliest first; the ranking is by machine and may be wrong:\n" + "\n".join(names)]
        left = tokens * TOKEN - len(parts[0])
        shown: list[RankedSymbol] = []
        for symbol in ranking.symbols:
            if any(_overlap(symbol, other) for other in shown):
                continue
            code = self._code(symbol)
            if len(code) <= left:
                parts.append(code)
                shown.append(symbol)
                left -= len(code)
            if left < 400:
                break
        return "\n\n".join(parts)

    def find(self, query: str) -> str:
        """Definitions that fit a description."""
        symbols = rank(self.snapshot, query).symbols[:HITS]
        rows = [f"{symbol.path}:{symbol.line}-{symbol.last}: {symbol.kind} {symbol.name}" for symbol in symbols]
        return "\n".join(rows) or "no definition fits"

    def _code(self, symbol: RankedSymbol) -> str:
        place = self.tree / symbol.path
        lines = [] if place.is_symlink() else place.read_text("utf-8", "replace").splitlines()
        last = min(symbol.last, symbol.line + LONGEST)
        text = "\n".join(
            f"{number:6}\t{line[:WIDTH]}" for number, line in enumerate(lines[symbol.line - 1 : last], symbol.line)
        )
        cut = f"\n({symbol.last - last} more lines)" if last < symbol.last else ""
        return f"{symbol.path}, {symbol.kind} {symbol.name}:\n{text}{cut}"


def _overlap(one: RankedSymbol, other: RankedSymbol) -> bool:
    return one.path == other.path and one.line <= other.last and other.line <= one.last
