"""Re-ranking: a model puts the likeliest files and symbols in order. An option of its own, and never the default."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from agents.conversation import Brain, Conversation
from agents.index.rank import RankedFile, RankedSymbol, Ranking
from agents.index.skeleton import skeleton
from agents.index.snapshot import Snapshot
from agents.index.tree import Read
from agents.prompts import render
from agents.structured import ask

FILES, SYMBOLS = 20, 30  # that the model sees
OUTLINE = 25  # lines of one file
ISSUE = 20_000  # characters

Ranked = TypeVar("Ranked", bound=RankedFile | RankedSymbol)


class Order(BaseModel):
    """Numbers of the lists that were shown, best first."""

    model_config = ConfigDict(extra="forbid")
    files: list[int]
    symbols: list[int]


def rerank(
    brain: Brain, snapshot: Snapshot, ranking: Ranking, read: Read, issue: str, clean: Callable[[str], str]
) -> Ranking:
    """The ranking in a model's order; what it leaves out keeps its order behind. `clean` takes secrets out.

    Raises:
        ModelError, OverBudget, BadInput: see `trouble.py`.
    """
    talk = Conversation(brain, "reranker", render("reranker", brain.model.prompts))
    number_of = {path: number for number, path in enumerate(snapshot.paths)}
    files = [
        f"{place}. {file.path}\n{_outline(snapshot, number_of[file.path], read)}"
        for place, file in enumerate(ranking.files[:FILES], 1)
    ]
    symbols = [
        f"{place}. {symbol.path}:{symbol.line}: {symbol.kind} {symbol.name}"
        for place, symbol in enumerate(ranking.symbols[:SYMBOLS], 1)
    ]
    parts = ["## Issue", issue[:ISSUE], "## Files", *files, "## Symbols", "\n".join(symbols)]
    talk.say(clean("\n\n".join(parts)))
    order = ask(talk, Order)
    return Ranking(
        _ordered(ranking.files, order.files, min(FILES, len(files))),
        _ordered(ranking.symbols, order.symbols, min(SYMBOLS, len(symbols))),
    )


def _outline(snapshot: Snapshot, file: int, read: Read) -> str:
    return "\n".join(skeleton(snapshot, file, read(snapshot.paths[file])).split("\n")[:OUTLINE])


def _ordered(ranked: Sequence[Ranked], chosen: Sequence[int], shown: int) -> tuple[Ranked, ...]:
    """The chosen first. Scores stay with the places, so that they still fall."""
    first: list[int] = [number - 1 for number in dict.fromkeys(chosen) if 1 <= number <= shown]
    rest: list[int] = [place for place in range(len(ranked)) if place not in first]
    return tuple(
        replace(
            ranked[old],
            score=one.score,
            why=("a model's choice", *ranked[old].why) if old in first else ranked[old].why,
        )
        for one, old in zip(ranked, first + rest, strict=True)
    )
