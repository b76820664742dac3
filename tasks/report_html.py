"""The leaderboard as one page that stands by itself: tables, matrix, evidence with diffs, charts as inline SVG.

Everything that comes from a patch, a test or a model is escaped; the page has no script and loads nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.report import Leaderboard, Line
from tasks.report_text import COLUMNS, cells, money, notes, percent
from tasks.results import Result

TEMPLATES = Path(__file__).parent / "templates"
MAX_DIFF = 400  # lines of one patch that are shown

# Geometry of the charts, in pixels.
WIDTH = 720
ROW = 34
LEFT, RIGHT = 250, 60
TOP, BOTTOM = 12, 40
SCATTER = 320


@dataclass(frozen=True, slots=True)
class Whisker:
    """One line of the chart of rates."""

    name: str
    label: str
    y: float
    low: float
    at: float
    high: float


@dataclass(frozen=True, slots=True)
class Dot:
    """One line of the chart of cost against rate."""

    name: str
    label: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One task of one solver in the matrix."""

    kind: str  # css class: resolved, partly, unresolved, tamper, infra, none
    text: str
    anchor: str


def page(board: Leaderboard, title: str) -> str:
    """The whole page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = [cells(line) for line in board.lines]
    kept = [name for name in COLUMNS if any(row[name] not in ("–", "") for row in rows)]
    names = [line.name for line in board.lines]
    return environment.get_template("report.html.j2").render(
        title=title,
        columns=kept,
        rows=rows,
        notes=notes(board),
        names=names,
        matrix=[
            (task, [_cell(board.attempts.get((name, task), ()), name, task) for name in names]) for task in board.tasks
        ],
        evidence=[(task, [(name, board.attempts.get((name, task), ())) for name in names]) for task in board.tasks],
        anchor=_anchor,
        diff=diff_lines,
        rates=rates(board.lines),
        rates_height=TOP + BOTTOM + ROW * len(board.lines),
        rate_ticks=[Tick(_across(share), f"{100 * share:.0f}%") for share in (0, 0.25, 0.5, 0.75, 1)],
        dots=dots(board.lines),
        scatter_height=SCATTER,
        cost_ticks=cost_ticks(board.lines),
        up_ticks=[Tick(_up(share), f"{100 * share:.0f}%") for share in (0, 0.25, 0.5, 0.75, 1)],
        width=WIDTH,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=BOTTOM,
    )


def rates(lines: Sequence[Line]) -> list[Whisker]:
    """Resolve rates with their intervals, one below the other."""
    return [
        Whisker(
            line.name,
            percent(line.pass_at_1),
            TOP + ROW * (number + 0.5),
            _across(line.interval.low),
            _across(line.pass_at_1),
            _across(line.interval.high),
        )
        for number, line in enumerate(lines)
    ]


def dots(lines: Sequence[Line]) -> list[Dot]:
    """Dollars a task against the rate; solvers whose price is unknown are left out."""
    priced = [(line, line.dollars_per_task) for line in lines if line.dollars_per_task is not None]
    most = _most(lines)
    return [
        Dot(
            line.name,
            f"{money(dollars)} $ a task, {percent(line.pass_at_1)}",
            _cost(dollars, most),
            _up(line.pass_at_1),
        )
        for line, dollars in priced
    ]


def cost_ticks(lines: Sequence[Line]) -> list[Tick]:
    most = _most(lines)
    return [Tick(_cost(share * most, most), money(share * most)) for share in (0, 0.25, 0.5, 0.75, 1)]


def diff_lines(patch: str) -> list[tuple[str, str]]:
    """(css class, line) of a patch, cut where it is long."""
    lines = patch.splitlines()
    shown = [(_diff_class(line), line) for line in lines[:MAX_DIFF]]
    return [*shown, ("cut", f"… {len(lines) - MAX_DIFF} more lines")] if len(lines) > MAX_DIFF else shown


def _diff_class(line: str) -> str:
    if line.startswith(("+++", "---", "diff ", "index ")):
        return "file"
    return {"+": "added", "-": "removed", "@": "hunk"}.get(line[:1], "same")


def _cell(attempts: Sequence[Result], name: str, task: str) -> Cell:
    if not attempts:
        return Cell("none", "", _anchor(name, task))
    solved = sum(row.resolved for row in attempts)
    outcomes = {row.outcome for row in attempts}
    if solved:
        kind = "resolved" if solved == len(attempts) else "partly"
    else:
        kind = next((name for name in ("tamper", "infra_error") if name in outcomes), "unresolved")
    mark = " ⚑" if any(row.flagged for row in attempts) else ""
    text = f"{solved}/{len(attempts)}" if len(attempts) > 1 else {"resolved": "✓", "unresolved": "✗"}.get(kind, kind)
    return Cell(kind, text + mark, _anchor(name, task))


def _anchor(name: str, task: str) -> str:
    return "e-" + "".join(sign if sign.isalnum() else "-" for sign in f"{task}-{name}")


def _across(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _up(share: float) -> float:
    return round(SCATTER - BOTTOM - share * (SCATTER - TOP - BOTTOM), 1)


def _cost(dollars: float, most: float) -> float:
    return _across(dollars / most if most else 0.0)


def _most(lines: Sequence[Line]) -> float:
    """The right end of the cost axis: a round number not below the dearest."""
    dearest = max((line.dollars_per_task or 0.0 for line in lines), default=0.0)
    if dearest <= 0:
        return 1.0
    step = 10 ** math.floor(math.log10(dearest))
    return float(math.ceil(dearest / step) * step)
