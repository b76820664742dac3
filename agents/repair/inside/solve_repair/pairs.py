"""Two edits of one function at once: only where the first alone brings a failing test further."""

from __future__ import annotations

from typing import Iterable, Iterator

from solve_repair.plan import Candidate

FIRSTS = 10  # edits that are completed by another
SECONDS = 200  # others that each is tried with
MOST = 1000  # pairs: a "no" stays cheap


def pairs(source: bytes, firsts: Iterable[Candidate], others: Iterable[Candidate], number: int) -> list[Candidate]:
    """The cheapest pairs of one file as candidates of their own, numbered from `number` on."""
    found: dict[frozenset[int], tuple[Candidate, Candidate]] = {}
    ranked = sorted(others, key=lambda item: item.cost)
    for first in sorted(firsts, key=lambda item: item.cost)[:FIRSTS]:
        for second in _beside(first, ranked):
            found.setdefault(frozenset((first.id, second.id)), (first, second))
    cheapest = sorted(found.values(), key=lambda pair: pair[0].cost + pair[1].cost)[:MOST]
    return [_joined(source, *pair, number + index) for index, pair in enumerate(cheapest)]


def _beside(first: Candidate, ranked: list[Candidate]) -> Iterator[Candidate]:
    count = 0
    for other in ranked:
        apart = other.end <= first.start or first.end <= other.start
        if other.unit == first.unit and apart and other.start != first.start and count < SECONDS:
            count += 1
            yield other


def _joined(source: bytes, one: Candidate, other: Candidate, number: int) -> Candidate:
    first, second = sorted((one, other), key=lambda item: item.start)
    return Candidate(
        id=number,
        path=first.path,
        start=first.start,
        end=second.end,
        text=first.text + source[first.end : second.start] + second.text,
        cost=first.cost + second.cost,
        unit=first.unit,
        early=first.early or second.early,
        of=(first.id, second.id),
    )
