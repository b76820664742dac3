"""The leaderboard in words and columns: for a terminal, for a PR comment, and as JSON."""

import math
from collections.abc import Iterable, Mapping

from rich.table import Table

from tasks.acceptance import Acceptance, Agreement
from tasks.report import DISCORDANT, Comparison, Leaderboard, Line, Spread
from tasks.stats import POWER, Interval

COLUMNS = (
    "solver",
    "tasks",
    "runs",
    "pass@1",
    "95% interval",
    "pass@k",
    "pass^k",
    "against the baseline",
    "taken by people",
    "infra",
    "flagged",
    "$ a task",
    "$ a resolved",
    "tokens in/cached/out",
    "wall s p50/p90/p95",
    "model s p50/p90/p95",
)


def cells(line: Line) -> dict[str, str]:
    """One line of the table, by column."""
    most = max(line.pass_at)
    values = (
        line.name,
        str(line.tasks),
        str(line.runs),
        percent(line.pass_at_1),
        interval(line.interval),
        f"{percent(line.pass_at[most])} (k={most})" if most > 1 else "–",
        f"{percent(line.pass_hat[most])} (k={most})" if most > 1 else "–",
        comparison(line.comparison),
        taken(line.people),
        f"{line.infra} of {line.attempts}",
        f"{line.flagged} of {line.resolved}",
        money(line.dollars_per_task),
        money(line.dollars_per_resolved),
        f"{count(line.tokens_in)}/{count(line.tokens_cached)}/{count(line.tokens_out)}",
        spread(line.wall),
        spread(line.model),
    )
    return dict(zip(COLUMNS, values, strict=True))


def notes(board: Leaderboard) -> list[str]:
    """What a reader must know to believe the table."""
    lines = []
    for line in board.lines:
        causes = ", ".join(f"{cause} {number}" for cause, number in line.outcomes.items())
        told = f"{line.resolved} of {line.attempts} attempts resolved, interval by {line.method}"
        lines.append(f"{line.name}: {told}; {causes}")
        if line.infra:
            lines.append(
                f"{line.name}: the rate is over all {line.attempts} attempts; without the {line.infra} that a machine "
                f"failed it is {percent(line.without_infra)} of {line.judged}"
            )
        if left := board.left_out(line):
            lines.append(
                f"{line.name}: has no attempt at {left} of the {left + line.tasks} tasks that this table has of its "
                "suite: its rate is over the others"
            )
        if line.people:
            lines.append(f"{line.name}: {agreed(line.people)}")
        if line.comparison is None and board.baseline not in ("", line.name):
            lines.append(f"{line.name}: not compared with {board.baseline}: they share no task of one suite")
        lines.append(f"{line.name}: {power(line)}")
    if flaky := board.flaky:
        lines.append(f"{len(flaky)} of {len(board.tasks)} tasks are flaky by their own answer: {', '.join(flaky)}")
    return lines


def details(board: Leaderboard) -> list[str]:
    """What a terminal has no columns for."""
    lines = []
    for line in board.lines:
        row = cells(line)
        told = [f"{name} {row[name]}" for name in COLUMNS[COLUMNS.index("tokens in/cached/out") :] if row[name] != "–"]
        if line.comparison:
            told.insert(0, f"against {line.comparison.baseline} {row['against the baseline']}")
        lines.append(f"{line.name}: {'; '.join(told)}")
    return lines


def taken(found: Acceptance | None) -> str:
    return f"{found.accepted} of {found.judged}" if found else "–"


def agreed(found: Acceptance) -> str:
    """People and tests on the attempts that both judged."""
    both = found.with_tests
    return (
        f"people took {found.accepted} of the {found.judged} attempts that they judged ({interval(found.interval)}); "
        f"tests and people agree on {both.yes + both.no} (kappa {kappa(both)}), {both.only_first} resolved and not "
        f"taken, {both.only_second} taken and not resolved"
    )


def kappa(found: Agreement) -> str:
    return "undefined: one side always says the same" if math.isnan(found.kappa) else f"{found.kappa:.2f}"


def power(line: Line) -> str:
    """What this suite could show at all, and whether it did."""
    found = line.comparison
    tasks, told = (found.tasks, "") if found else (line.tasks, f" where solvers differ on {DISCORDANT:.0%} of them")
    least = f"{100 * line.smallest:.1f} points" if line.smallest <= 1 else "none, even 100 points could be chance"
    shown = f"the smallest difference that {tasks} tasks show at {POWER:.0%} power{told}: {least}"
    if found is None:
        return shown
    verdict = "distinguishable" if found.distinguishable else "not distinguishable"
    test = f"exact McNemar of the first runs, Holm-corrected, p {chance(found.p)}"
    return f"{verdict} from {found.baseline} ({test}); {shown}"


def chance(p: float) -> str:
    """A probability beside its p: no test of ours says that something cannot be."""
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


def table(board: Leaderboard) -> Table:
    """For a terminal: the columns that fit one; `details` has the rest."""
    rows = [cells(line) for line in board.lines]
    narrow = [name for name in COLUMNS[: COLUMNS.index("tokens in/cached/out")] if name != "against the baseline"]
    kept = [name for name in narrow if any(row[name] != "–" for row in rows)]
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for name in kept:
        if name == "solver":
            drawn.add_column(name, overflow="fold", max_width=44)
        else:
            drawn.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        drawn.add_row(*(row[name] for name in kept))
    return drawn


def markdown(board: Leaderboard) -> str:
    """For a comment on a pull request."""
    rows = [cells(line) for line in board.lines]
    kept = [name for name in COLUMNS if any(row[name] not in ("–", "") for row in rows)]
    lines = [_row(kept), _row("---" if name == "solver" else "---:" for name in kept)]
    lines += [_row(_escaped(row[name]) for name in kept) for row in rows]
    lines += ["", *(f"- {_escaped(note)}" for note in notes(board))]
    return "\n".join(lines) + "\n"


def as_json(board: Leaderboard) -> dict[str, object]:
    """Rates as fractions; infinite and undefined numbers as null."""
    return {"solvers": [_line_json(line, board.left_out(line)) for line in board.lines], "tasks": len(board.tasks)}


def _line_json(line: Line, left_out: int) -> dict[str, object]:
    return {
        "solver": line.solver,
        "settings": line.settings,
        "snapshot": line.snapshot,
        "suite": line.suite,
        "tasks": line.tasks,
        "runs": line.runs,
        "attempts": line.attempts,
        "resolved": line.resolved,
        "pass@1": line.pass_at_1,
        "interval": [line.interval.low, line.interval.high],
        "method": line.method,
        "pass@k": {str(k): value for k, value in line.pass_at.items()},
        "pass^k": {str(k): value for k, value in line.pass_hat.items()},
        "outcomes": dict(line.outcomes),
        "infra": line.infra,
        "without_infra": {"pass@1": _finite(line.without_infra), "attempts": line.judged},
        "flagged": line.flagged,
        "dollars": line.dollars,
        "dollars_per_task": _finite(line.dollars_per_task),
        "dollars_per_resolved": _finite(line.dollars_per_resolved),
        "tokens": {"in": line.tokens_in, "cached": line.tokens_cached, "out": line.tokens_out},
        "wall_seconds": _spread_json(line.wall),
        "model_seconds": _spread_json(line.model),
        "smallest_difference": line.smallest,
        "left_out": left_out,
        "comparison": _comparison_json(line.comparison),
        "people": _people_json(line.people),
    }


def _people_json(found: Acceptance | None) -> dict[str, object] | None:
    if found is None:
        return None
    both = found.with_tests
    return {
        "judged": found.judged,
        "accepted": found.accepted,
        "interval": [found.interval.low, found.interval.high],
        "agree": both.yes + both.no,
        "resolved_not_taken": both.only_first,
        "taken_not_resolved": both.only_second,
        "kappa": _finite(both.kappa),
    }


def _comparison_json(found: Comparison | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "baseline": found.baseline,
        "tasks": found.tasks,
        "b": found.only_this,
        "c": found.only_baseline,
        "p_holm": found.p,
        "difference": found.difference,
        "interval": [found.interval.low, found.interval.high],
        "distinguishable": found.distinguishable,
    }


def _spread_json(found: Spread) -> Mapping[str, float | None]:
    return {"p50": _finite(found.p50), "p90": _finite(found.p90), "p95": _finite(found.p95)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def comparison(found: Comparison | None) -> str:
    if found is None:
        return "–"
    told = "" if found.distinguishable else ", not distinguishable"
    return (
        f"{100 * found.difference:+.1f} points [{100 * found.interval.low:+.1f}, {100 * found.interval.high:+.1f}], "
        f"b={found.only_this} c={found.only_baseline}, p {chance(found.p)}{told}"
    )


def percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f}%"


def interval(found: Interval) -> str:
    return f"{100 * found.low:.1f} to {100 * found.high:.1f}"


def money(value: float | None) -> str:
    if value is None:
        return "unknown"
    return "∞" if math.isinf(value) else f"{value:.4f}" if 0 < value < 0.1 else f"{value:.2f}"


def count(value: int) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if value >= size:
            return f"{value / size:.1f}{unit}"
    return str(value)


def spread(found: Spread) -> str:
    if math.isnan(found.p50):
        return "–"
    return "/".join(f"{value:.1f}" for value in (found.p50, found.p90, found.p95))


def _row(values: Iterable[str]) -> str:
    return "| " + " | ".join(values) + " |"


def _escaped(text: str) -> str:
    """A solver's name may hold anything: no markup, no link, no mention."""
    return "".join(f"&#{ord(sign)};" if sign in "\\|<>`[]@*_#" else sign for sign in " ".join(text.split()))
