"""What of a repository goes into a prompt: within a bound of tokens, skeletons before bodies, whole symbols only.

A symbol is whole but for its long doc comments, of which the first lines stand for all: a model can view the rest.

The pack is laid out by path and line, not by rank: two packs that share symbols share text, and a provider's cache
finds it again. The ranking itself comes last.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.index.company import Passage
from agents.index.languages import language_of
from agents.index.parse import doc_lines
from agents.index.rank import RankedSymbol, Ranking
from agents.index.skeleton import WIDTH, outline, skeleton
from agents.index.snapshot import Snapshot
from agents.index.tree import Read

Count = Callable[[str], int]  # tokens of a text

FILES = 12  # that are named, and whose skeletons are tried
NAMED = 0.25  # of the bound, for the list of them
OUTLINE = 0.15  # of the bound, for skeletons: more of them takes the room of the code that is edited
BESIDE = 0.15  # of the bound, for documents and sibling repositories
DOC = 4  # lines that are shown of a longer doc comment
TOKEN = re.compile(r"[^\W\d_]{1,5}|\d{1,3}|_+|[^\w\s]{1,2}|\n\s*|[^\w\s]")
MARGIN = 1.15
CENTRAL_STEPS = 8
HANDED_ON = 0.85  # damping of PageRank (Page and Brin 1998)


def estimate_tokens(text: str) -> int:
    """Tokens of a text where the model's own counter is not at hand, rather too many than too few.

    Against cl100k_base, on numbered lines of 190 files of Python and prose: 0.94 to 1.33 of the true count for nine
    files in ten. tiktoken itself fetches its vocabulary from the network, so it is not used.
    """
    return math.ceil(MARGIN * len(TOKEN.findall(text)))


@dataclass(slots=True)
class _Budget:
    left: int
    count: Count

    def take(self, text: str) -> bool:
        """Whether the text still fits; if so, it is paid for."""
        cost = self.count(text) + 1
        if cost > self.left:
            return False
        self.left -= cost
        return True


def context(
    snapshot: Snapshot,
    ranking: Ranking,
    read: Read,
    tokens: int,
    *,
    passages: Sequence[Passage] = (),
    count: Count = estimate_tokens,
) -> str:
    """The pack for a ranking; at most `tokens` as `count` sees them. "" if not even one path fits.

    Of `passages` (documents, sibling repositories) those that rank among the named files are shown whole."""
    names = [f"{place}. {file.path}" for place, file in enumerate(ranking.files[:FILES], 1)]
    budget, listed = _Budget(tokens, count), _Budget(int(tokens * NAMED), count)
    while names and not listed.take(tail := "\n".join(["Likeliest files, by machine and perhaps wrong:", *names])):
        names.pop()
    if not names or not budget.take(tail):
        return ""
    outlines = _Budget(int(tokens * OUTLINE), count)
    skeletons = _skeletons(snapshot, [file.path for file in ranking.files[:FILES]], read, outlines, budget)
    beside = _Budget(int(tokens * BESIDE), count)
    chosen = [passage for passage in passages if passage.place < FILES]
    sections = [block for block in map(section, chosen) if beside.take(block) and budget.take(block)]
    bodies = _bodies(ranking.symbols, read, budget)
    return "\n\n".join([*skeletons, *bodies, *sorted(sections), tail])


def _skeletons(snapshot: Snapshot, paths: list[str], read: Read, outlines: _Budget, budget: _Budget) -> list[str]:
    """Of each file its skeleton; where that does not fit, or leaves too little to others, what stands at its top."""
    number_of = {path: number for number, path in enumerate(snapshot.paths)}
    found: dict[str, str] = {}
    most = outlines.left // 3
    for path in paths:
        number, data = number_of[path], read(path)
        for text, says in ((skeleton(snapshot, number, data), "defines"), (outline(snapshot, number, data), "has")):
            block = f"{path} {says}:\n{text}"
            if not text or block.count("\n") > most or outlines.count(block) > most:
                continue
            if outlines.take(block) and budget.take(block):
                found[path] = block
                break
    return [found[path] for path in sorted(found)]


def _bodies(symbols: Iterable[RankedSymbol], read: Read, budget: _Budget) -> list[str]:
    chosen: dict[tuple[str, int], tuple[RankedSymbol, str]] = {}
    docs: dict[str, list[tuple[int, int]]] = {}
    for symbol in symbols:
        if budget.left <= 0 or any(_overlap(symbol, other) for other, _ in chosen.values()):
            continue
        path, data = symbol.path, read(symbol.path)
        if path not in docs:
            docs[path] = doc_lines(language_of(path), data)
        block = body(symbol, data, docs[path])
        if budget.take(block):
            chosen[symbol.path, symbol.line] = (symbol, block)
    return [chosen[place][1] for place in sorted(chosen)]


def body(symbol: RankedSymbol, data: bytes, docs: Sequence[tuple[int, int]] = ()) -> str:
    """A whole symbol, each line behind its number. `docs`: the lines of doc comments, of which the long are cut."""
    lines = data.decode("utf-8", "replace").splitlines()[symbol.line - 1 : symbol.last]
    left_out = {line for first, last in docs if last - first > 2 * DOC for line in range(first + DOC, last)}
    shown: list[str] = []
    for number, line in enumerate(lines, symbol.line):
        if number not in left_out:
            shown.append(f"{number:6} {line[: WIDTH * 2]}")
        elif number - 1 not in left_out:
            shown.append("       [more of this text]")
    return "\n".join([f"{symbol.path}, {symbol.kind} {symbol.name}:", *shown])


def section(passage: Passage) -> str:
    """A passage with its origin."""
    where = f"{passage.origin}: {passage.path}" if passage.origin else passage.path
    return f"{where}, lines {passage.line} to {passage.last}:\n{passage.text}"


def _overlap(one: RankedSymbol, other: RankedSymbol) -> bool:
    return one.path == other.path and one.line <= other.last and other.line <= one.last


def repository_map(snapshot: Snapshot, read: Read, tokens: int, *, count: Count = estimate_tokens) -> str:
    """Skeletons of the whole repository within `tokens`: the most central files first, in each its most central
    definitions, central being PageRank over calls and inheritance."""
    central = centrality(snapshot)
    of_file = np.bincount(snapshot.unit_file, central, len(snapshot.paths))
    budget = _Budget(tokens, count)
    blocks: list[str] = []
    for file in np.argsort(-of_file, kind="stable").tolist():
        if of_file[file] <= 0 or budget.left <= 0:
            break
        units = np.arange(snapshot.file_start[file] + 1, snapshot.file_start[file + 1])
        kept = units[central[units] >= np.median(central[units])] if len(units) else units
        text = skeleton(snapshot, file, read(snapshot.paths[file]), kept.tolist())
        block = f"{snapshot.paths[file]}:\n{text}"
        if text and budget.take(block):
            blocks.append(block)
    return "\n\n".join(blocks)


def centrality(snapshot: Snapshot) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """PageRank of each unit of the code that is no test; sums to at most 1."""
    inside = (snapshot.candidates[snapshot.unit_file] & (snapshot.kind > 0)).astype(np.float64)
    start = inside / max(1.0, float(inside.sum()))
    reached = start
    for _ in range(CENTRAL_STEPS):
        reached = (1 - HANDED_ON) * start + HANDED_ON * snapshot.graph.to_callees(reached)
    return reached * inside
