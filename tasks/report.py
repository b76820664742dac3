"""Results of runs → a leaderboard (pure): what was measured, how sure that is, what it cost, and why it failed."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from sandbox.api import BadInput
from tasks import stats
from tasks.acceptance import Acceptance, People, acceptance
from tasks.results import Result
from tasks.stats import Interval

Identity = tuple[str, str, str, str]  # solver, settings, snapshot, suite
NOBODY = People()
DISCORDANT = 0.15  # share of tasks on which two solvers differ, where no comparison tells


@dataclass(frozen=True, slots=True)
class Comparison:
    """Against the baseline, on the tasks that both have, first run against first run."""

    baseline: str
    tasks: int
    only_this: int  # b
    only_baseline: int  # c
    p: float  # exact McNemar, Holm-corrected over the table
    difference: float  # of pass@1, over all runs
    interval: Interval  # of that difference, by bootstrap over tasks

    @property
    def distinguishable(self) -> bool:
        return self.p < 1 - stats.CONFIDENCE


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles in seconds; nan where nothing was measured."""

    p50: float
    p90: float
    p95: float


@dataclass(frozen=True, slots=True)
class Line:
    """One solver: its settings, its model's snapshot and one suite. Rates are fractions of `tasks`."""

    name: str  # the solver, with what tells it from another line
    solver: str
    settings: str
    snapshot: str
    suite: str
    tasks: int
    runs: int  # of each task; the least, where they differ
    attempts: int
    resolved: int  # attempts
    pass_at_1: float
    interval: Interval
    method: str  # how the interval was made
    pass_at: Mapping[int, float]
    pass_hat: Mapping[int, float]
    outcomes: Mapping[str, int]  # attempts by cause; "resolved" among them
    infra: int  # attempts that a machine failed
    without_infra: float  # pass@1 if those are left out
    judged: int  # attempts that are left then
    flagged: int  # resolved attempts that bear a mark
    dollars: float | None  # all attempts, failures included; None where a price is unknown
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    wall: Spread
    model: Spread
    smallest: float  # difference that this many tasks could show at 80% power
    comparison: Comparison | None = None
    people: Acceptance | None = None  # where people judged attempts of it

    @property
    def dollars_per_task(self) -> float | None:
        return None if self.dollars is None else self.dollars / self.attempts

    @property
    def dollars_per_resolved(self) -> float | None:
        """Infinite where money was spent and nothing resolved."""
        if self.dollars is None:
            return None
        return self.dollars / self.resolved if self.resolved else (math.inf if self.dollars else 0.0)


@dataclass(frozen=True, slots=True)
class Leaderboard:
    lines: tuple[Line, ...]  # best first
    attempts: Mapping[tuple[str, str], Sequence[Result]] = field(default_factory=dict)  # by (line's name, task)
    baseline: str = ""  # its line's name

    @property
    def tasks(self) -> list[str]:
        return sorted({task for _, task in self.attempts})

    @property
    def flaky(self) -> list[str]:
        """Tasks whose own answer does not always end the same."""
        return sorted({task for (_, task), rows in self.attempts.items() if any(row.flaky for row in rows)})

    def left_out(self, line: Line) -> int:
        """How many tasks others of the line's suite have attempts at, and it has none."""
        names = {other.name for other in self.lines if other.suite == line.suite}
        return len({task for name, task in self.attempts if name in names}) - line.tasks


def leaderboard(results: Iterable[Result], baseline: str = "", seed: int = 0, people: People = NOBODY) -> Leaderboard:
    """The lines of all (solver settings, model snapshot, suite), each compared with the baseline if one is named.
    `people`: what they said of attempts; it changes no rate.

    Raises:
        BadInput: no solver has the baseline's name, or it has several lines.
    """
    groups = {identity: list(rows) for identity, rows in groupby(sorted(results, key=_identity), key=_identity)}
    names = _names(list(groups))
    lines = [
        replace(_line(names[identity], identity, rows, seed), people=acceptance(rows, people))
        for identity, rows in groups.items()
    ]
    by_task = {line.name: _by_task(rows) for line, rows in zip(lines, groups.values(), strict=True)}
    if baseline:
        against = _baseline(lines, baseline)
        baseline, lines = against.name, _compared(lines, by_task, against, seed)
    lines.sort(key=lambda line: (-line.pass_at_1, line.name))
    cells = {(name, task): rows for name, tasks in by_task.items() for task, rows in tasks.items()}
    return Leaderboard(tuple(lines), cells, baseline)


def ended_by(row: Result) -> str:
    """The column of an attempt: resolved, a failure's cause, or what of the machine failed."""
    if row.outcome == "infra_error" and row.early:
        return f"infra: {row.early}"
    return row.cause or "resolved"


def _identity(result: Result) -> Identity:
    return result.model_name_or_path, result.settings, result.snapshot, result.suite


def _by_task(rows: Iterable[Result]) -> dict[str, list[Result]]:
    found: defaultdict[str, list[Result]] = defaultdict(list)
    for row in rows:
        found[row.instance_id].append(row)
    return {task: sorted(attempts, key=lambda row: row.run) for task, attempts in sorted(found.items())}


def _names(identities: Sequence[Identity]) -> dict[Identity, str]:
    """Settings and snapshot beside the solver's name; the suite too where it is all that tells two lines apart."""
    short = {identity: _detailed(identity[0], identity[1:3]) for identity in identities}
    count = Counter(short.values())
    return {
        identity: name if count[name] == 1 else _detailed(identity[0], (*identity[1:3], f"suite {identity[3]}"))
        for identity, name in short.items()
    }


def _detailed(solver: str, details: Sequence[str]) -> str:
    told = ", ".join(part for part in details if part)
    return f"{solver} ({told})" if told else solver


def _line(name: str, identity: Identity, rows: Sequence[Result], seed: int) -> Line:
    solver, settings, snapshot, suite = identity
    tasks = _by_task(rows)
    counts = [(len(attempts), sum(row.resolved for row in attempts)) for attempts in tasks.values()]
    runs = min(total for total, _ in counts)
    judged = [row for row in rows if row.outcome != "infra_error"]
    prices = [row.dollars for row in rows]
    return Line(
        name,
        solver,
        settings,
        snapshot,
        suite,
        len(tasks),
        runs,
        len(rows),
        sum(row.resolved for row in rows),
        _mean([solved / total for total, solved in counts]),
        *_interval(counts, seed),
        {k: _mean([stats.pass_at_k(total, solved, k) for total, solved in counts]) for k in _ks(runs)},
        {k: _mean([stats.pass_hat_k(total, solved, k) for total, solved in counts]) for k in _ks(runs)},
        dict(Counter(map(ended_by, rows)).most_common()),
        len(rows) - len(judged),
        _mean([_mean([row.resolved for row in group]) for group in _by_task(judged).values()]),
        len(judged),
        sum(row.resolved and bool(row.flagged) for row in rows),
        math.fsum(price for price in prices if price is not None) if None not in prices else None,
        sum(row.tokens_in for row in rows),
        sum(row.tokens_cached for row in rows),
        sum(row.tokens_out for row in rows),
        _spread([row.seconds for row in rows if row.seconds]),
        _spread([row.model_seconds for row in rows if row.model_seconds]),
        stats.smallest_difference(len(tasks), DISCORDANT),
    )


def _interval(counts: Sequence[tuple[int, int]], seed: int) -> tuple[Interval, str]:
    rates = [solved / total for total, solved in counts]
    if all(total == 1 for total, _ in counts):
        return stats.wilson(int(sum(rates)), len(counts)), "Wilson"
    method = "Wilson over tasks, which all ended alike" if len(set(rates)) == 1 else "bootstrap over tasks"
    return stats.bootstrap(rates, seed=seed), method


def _ks(runs: int) -> list[int]:
    return sorted({1, runs} | {k for k in (2, 3, 5, 10) if k < runs})


def _baseline(lines: Sequence[Line], name: str) -> Line:
    found = [line for line in lines if name in (line.name, line.solver)]
    if len(found) != 1:
        known = ", ".join(line.name for line in lines)
        problem = "no solver" if not found else "more than one line"
        raise BadInput(f"{problem} by the name {name} to compare with; there are: {known}")
    return found[0]


def _compared(
    lines: Sequence[Line], by_task: Mapping[str, Mapping[str, Sequence[Result]]], baseline: Line, seed: int
) -> list[Line]:
    """The lines with their comparisons; p-values are corrected over all that were made."""
    theirs = by_task[baseline.name]
    made: dict[str, Comparison] = {}
    for line in lines:
        ours = by_task[line.name]
        common = [task for task in ours if task in theirs]
        if line.name == baseline.name or line.suite != baseline.suite or not common:
            continue
        found = stats.mcnemar(
            [ours[task][0].resolved for task in common], [theirs[task][0].resolved for task in common]
        )
        rates = [_rate(ours[task]) - _rate(theirs[task]) for task in common]
        interval = stats.bootstrap(rates, between=(-1.0, 1.0), seed=seed)
        counted = found.tasks, found.only_first, found.only_second, found.p
        made[line.name] = Comparison(baseline.name, *counted, _mean(rates), interval)
    adjusted = dict(zip(made, stats.holm([comparison.p for comparison in made.values()]), strict=True))
    return [
        replace(
            line,
            comparison=replace(made[line.name], p=adjusted[line.name]),
            smallest=_smallest(made[line.name]) or line.smallest,
        )
        if line.name in made
        else line
        for line in lines
    ]


def _smallest(comparison: Comparison) -> float:
    differing = (comparison.only_this + comparison.only_baseline) / comparison.tasks
    return stats.smallest_difference(comparison.tasks, differing)


def _rate(attempts: Sequence[Result]) -> float:
    return sum(row.resolved for row in attempts) / len(attempts)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _spread(values: Sequence[float]) -> Spread:
    return Spread(*(stats.percentile(values, share) for share in (0.5, 0.9, 0.95)))
