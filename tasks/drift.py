"""Two runs → what moved between them: lengths, formats, malformed replies, tools, topics (pure).

Numbers are compared by rank, shares and kinds by exact or chi-squared tests, and all p-values are corrected together
(Holm), so that a table of many rows does not cry wolf. Topics are compared by their terms.
"""

import importlib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tasks import stats

LEAST = 5  # values on each side for a test by rank
TERM = re.compile(r"[A-Za-z_][A-Za-z_]{2,}")
TERMS = 8  # that are shown of each side
SURE = 1.96  # of a term's z
PRIOR = 0.01  # weight of both runs together, for each of a term's occurrences: Monroe et al. 2008


@dataclass(frozen=True, slots=True)
class Profile:
    """What is compared of one run. Values are one for each attempt or reply, whatever their name says."""

    attempts: int
    numbers: Mapping[str, Sequence[float]]
    shares: Mapping[str, tuple[int, int]]  # so many of so many
    kinds: Mapping[str, Mapping[str, int]]  # tools by name, formats by name
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # issues, what models wrote


@dataclass(frozen=True, slots=True)
class Moved:
    """One row: before and after in words, how large the change is, and how sure that it is none of chance."""

    name: str
    before: str
    after: str
    effect: float  # numbers: Cliff's delta, -1 to 1; shares: their difference; kinds: total variation, 0 to 1
    p: float  # Holm-corrected; nan where there is too little to tell

    @property
    def moved(self) -> bool:
        return self.p < 1 - stats.CONFIDENCE


@dataclass(frozen=True, slots=True)
class Drift:
    rows: tuple[Moved, ...]
    terms: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]  # by text: what only one side says so often


def drift(before: Profile, after: Profile) -> Drift:
    rows = [
        *(_number(name, before.numbers[name], after.numbers.get(name, ())) for name in before.numbers),
        *(_share(name, before.shares[name], after.shares.get(name, (0, 0))) for name in before.shares),
        *(_kind(name, before.kinds[name], after.kinds.get(name, {})) for name in before.kinds),
    ]
    known = [row for row in rows if not math.isnan(row.p)]
    adjusted = iter(stats.holm([row.p for row in known]))
    corrected = [row if math.isnan(row.p) else replace(row, p=next(adjusted)) for row in rows]
    terms = {name: moved_terms(texts, after.texts.get(name, ())) for name, texts in before.texts.items()}
    return Drift(tuple(corrected), terms)


def moved_terms(before: Sequence[str], after: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Terms that tell the two apart: log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008).

    A term counts once for each text, so that one long text is no topic.
    """
    first, second = (Counter(term for text in texts for term in _terms(text)) for texts in (before, after))
    total, sums = first + second, (sum(first.values()), sum(second.values()))
    if not all(sums):
        return (), ()
    weight = PRIOR * sum(total.values())
    scores = {}
    for term, count in total.items():
        prior = PRIOR * count
        odds = [
            math.log((found[term] + prior) / (size + weight - found[term] - prior))
            for found, size in zip((first, second), sums, strict=True)
        ]
        spread = math.sqrt(sum(1 / (found[term] + prior) for found in (first, second)))
        scores[term] = (odds[1] - odds[0]) / spread
    ranked = sorted(scores, key=lambda term: (scores[term], term))
    gone = tuple(term for term in ranked[:TERMS] if scores[term] < -SURE)
    return gone, tuple(term for term in ranked[::-1][:TERMS] if scores[term] > SURE)


def _number(name: str, before: Sequence[float], after: Sequence[float]) -> Moved:
    told = _middle(before), _middle(after)
    if min(len(before), len(after)) < LEAST:
        return Moved(name, told[0], told[1], _delta(before, after), math.nan)
    found = importlib.import_module("scipy.stats").mannwhitneyu(before, after, method="asymptotic")
    p = 1.0 if len({*before, *after}) == 1 else float(found.pvalue)
    return Moved(name, told[0], told[1], _delta(before, after), p)


def _delta(before: Sequence[float], after: Sequence[float]) -> float:
    """How much oftener a value of the second is larger than one of the first, than smaller (Cliff 1993)."""
    if not before or not after:
        return math.nan
    signs = sum((second > first) - (second < first) for first in before for second in after)
    return signs / (len(before) * len(after))


def _share(name: str, before: tuple[int, int], after: tuple[int, int]) -> Moved:
    told = _some(*before), _some(*after)
    if not before[1] or not after[1]:
        return Moved(name, told[0], told[1], math.nan, math.nan)
    table = [[some, total - some] for some, total in (before, after)]
    p = float(importlib.import_module("scipy.stats").fisher_exact(table).pvalue)
    return Moved(name, told[0], told[1], after[0] / after[1] - before[0] / before[1], p)


def _kind(name: str, before: Mapping[str, int], after: Mapping[str, int]) -> Moved:
    names, sums = sorted({*before, *after}), (sum(before.values()), sum(after.values()))
    told = _most(before), _most(after)
    if not all(sums):
        return Moved(name, told[0], told[1], math.nan, math.nan)
    shares = [(before.get(kind, 0) / sums[0], after.get(kind, 0) / sums[1]) for kind in names]
    distance = math.fsum(abs(first - second) for first, second in shares) / 2
    if len(names) == 1:
        return Moved(name, told[0], told[1], 0.0, 1.0)
    table = [[found.get(kind, 0) for kind in names] for found in (before, after)]
    p = float(importlib.import_module("scipy.stats").chi2_contingency(table, correction=False).pvalue)
    return Moved(name, told[0], told[1], distance, p)


def _middle(values: Sequence[float]) -> str:
    return f"{stats.percentile(values, 0.5):,.0f} (p90 {stats.percentile(values, 0.9):,.0f})" if values else "–"


def _some(some: int, total: int) -> str:
    return f"{some} of {total}" if total else "–"


def _most(found: Mapping[str, int]) -> str:
    total = sum(found.values())
    return ", ".join(f"{kind} {count / total:.0%}" for kind, count in Counter(found).most_common(4)) or "–"


def _terms(text: str) -> set[str]:
    return {term.lower() for term in TERM.findall(text)}
