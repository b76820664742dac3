"""What a score is worth: intervals, pass@k, paired comparisons (pure). Rates and differences are fractions.

Below a few hundred tasks the central limit theorem flatters (arXiv 2503.01747), so nothing here leans on it but the
rule of thumb for power. scipy is imported when first needed: it takes longer than a whole `solve --help`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
POWER = 0.80


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Paired:
    """Two solvers on the same tasks. `only_first` (b) and `only_second` (c) are the tasks on which they differ."""

    tasks: int
    only_first: int
    only_second: int
    p: float  # exact McNemar, two-sided

    @property
    def difference(self) -> float:
        return (self.only_first - self.only_second) / self.tasks

    @property
    def discordant(self) -> float:
        return (self.only_first + self.only_second) / self.tasks


def wilson(successes: int, trials: int) -> Interval:
    """The score interval for a proportion (Wilson 1927).

    Raises:
        ValueError: no trial, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes of {trials} trials are none")
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2)
    rate, weight = successes / trials, z * z / trials
    middle = (rate + weight / 2) / (1 + weight)
    half = z * math.sqrt(rate * (1 - rate) / trials + weight / (4 * trials)) / (1 + weight)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def bootstrap(
    values: Sequence[float], *, between: tuple[float, float] = (0.0, 1.0), seed: int = 0, resamples: int = 5000
) -> Interval:
    """Percentile interval for the mean of `values`, one value a task: tasks are drawn, runs of a task stay together.

    Treating every run as independent gives intervals far too narrow (1.6 times on three runs of 300 tasks).
    Values that are all alike, drawn again, would say that the mean is certain. As many unseen tasks as Wilson's limit
    for none of them allows may differ then and lie at either end of `between`: for all of 0 or 1 it is his interval.
    """
    from numpy import mean
    from numpy.random import default_rng
    from scipy import stats

    if len(set(values)) == 1:
        unlike = wilson(0, len(values)).high
        return Interval(*(values[0] + unlike * (end - values[0]) for end in between))
    settings = {"confidence_level": CONFIDENCE, "method": "percentile", "n_resamples": resamples, "batch": 500}
    found = stats.bootstrap((values,), mean, rng=default_rng(seed), **settings).confidence_interval
    return Interval(float(found.low), float(found.high))


def pass_at_k(runs: int, successes: int, k: int) -> float:
    """The chance that at least one of `k` runs succeeds, unbiased (Chen et al. 2021, arXiv 2107.03374)."""
    _check(runs, successes, k)
    return 1 - math.comb(runs - successes, k) / math.comb(runs, k)


def pass_hat_k(runs: int, successes: int, k: int) -> float:
    """The chance that all of `k` runs succeed, pass^k, unbiased (Yao et al. 2024, arXiv 2406.12045)."""
    _check(runs, successes, k)
    return math.comb(successes, k) / math.comb(runs, k)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> Paired:
    """Exact two-sided McNemar test: a binomial test on the tasks that only one of the two resolved.

    Raises:
        ValueError: the sequences are not over the same tasks, or are empty.
    """
    if len(first) != len(second) or not first:
        raise ValueError("a paired comparison needs the same tasks on both sides")
    b = sum(one and not other for one, other in zip(first, second, strict=True))
    c = sum(other and not one for one, other in zip(first, second, strict=True))
    return Paired(len(first), b, c, mcnemar_p(b, c))


def mcnemar_p(b: int, c: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0


def kappa(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Cohen's kappa of two judges: (agreement - chance) / (1 - chance); nan where chance alone agrees (Cohen 1960)."""
    total = both + only_first + only_second + neither
    if not total:
        return math.nan
    yes = (both + only_first) / total * (both + only_second) / total
    no = (neither + only_second) / total * (neither + only_first) / total
    chance = yes + no
    return math.nan if chance >= 1 else ((both + neither) / total - chance) / (1 - chance)


def holm(values: Sequence[float]) -> list[float]:
    """p-values adjusted for how many comparisons were made (Holm 1979), in the order they came."""
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = highest
    return adjusted


def smallest_difference(tasks: int, discordant: float) -> float:
    """The paired difference that this many tasks show at 80% power and 5% two-sided, where `discordant` is the share
    of tasks on which the two differ: (z₀.₉₇₅ + z₀.₈) √(discordant / tasks) (Miller 2024, arXiv 2411.00640, section 5).
    """
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2) + NormalDist().inv_cdf(POWER)
    return z * math.sqrt(discordant / tasks)


def percentile(values: Sequence[float], share: float) -> float:
    """With linear interpolation; of nothing it is nan."""
    from numpy import quantile

    return float(quantile(values, share)) if values else math.nan


def _check(runs: int, successes: int, k: int) -> None:
    if not 1 <= k <= runs or not 0 <= successes <= runs:
        raise ValueError(f"k={k} of {runs} runs with {successes} successes is not defined")
