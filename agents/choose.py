"""One of several candidates: by what the harness saw, then by agreement, last by a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Candidate:
    patch: bytes
    evidence: Evidence  # of every candidate's tests, not of its own alone


def finalists(candidates: Sequence[Candidate]) -> list[int]:
    """Places of those that nothing here tells apart: best evidence, then the largest group that behaves alike."""
    tried = [place for place, candidate in enumerate(candidates) if candidate.patch]
    if not tried:
        return []
    best = max(candidates[place].evidence.rank for place in tried)
    left = [place for place in tried if candidates[place].evidence.rank == best]
    common = _common([candidates[place].evidence.statuses for place in left])
    groups: dict[tuple[str, ...], list[int]] = {}
    for place in left:
        statuses = candidates[place].evidence.statuses
        groups.setdefault(tuple(statuses[name] for name in common), []).append(place)
    most = max(len(group) for group in groups.values())
    chosen = sorted(place for group in groups.values() if len(group) == most for place in group)
    return _distinct(candidates, chosen)


def _distinct(candidates: Sequence[Candidate], chosen: Sequence[int]) -> list[int]:
    """Equal patches count once."""
    seen: dict[bytes, int] = {}
    for place in chosen:
        seen.setdefault(candidates[place].patch, place)
    return sorted(seen.values())


def _common(runs: Sequence[Mapping[str, str]]) -> list[str]:
    return sorted(set(runs[0]).intersection(*runs[1:]))
