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
COST_LEFT, COST_RIGHT, NAMES = 56, 440, 470  # of the chart of cost: its axis, and its column of names
NAME_ROW = 17


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
    """One solver in the chart of cost against rate. Its name stands beside the chart, where no other name is."""

    name: str
    label: str
    x: float
    y: float
    name_y: float


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One task of one solver in the matrix."""

    kind: str  # css class: resolved, partly, unresolved, tamper, infra_error, none
    text: str
    anchor: str  # of its evidence


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
    anchors = {place: f"e{number}" for number, place in enumerate(board.attempts)}
    return environment.get_template("report.html.j2").render(
        title=title,
        columns=kept,
        rows=rows,
        notes=notes(board),
        names=names,
        matrix=[
            (task, [_cell(board.attempts.get((name, task), ()), anchors.get((name, task), "")) for name in names])
            for task in board.tasks
        ],
        evidence=[(task, [(name, board.attempts.get((name, task), ())) for name in names]) for task in board.tasks],
        anchors=anchors,
        diff=diff_lines,
        rates=rates(board.lines),
        rates_height=TOP + BOTTOM + ROW * len(board.lines),
        labels=NAMES,
        rate_ticks=[Tick(_across(share), f"{100 * share:.0f}%") for share in (0, 0.25, 0.5, 0.75, 1)],
        dots=dots(board.lines),
        scatter_height=_height(board.lines),
        cost_ticks=cost_ticks(board.lines),
        up_ticks=[Tick(_up(share, _height(board.lines)), f"{100 * share:.0f}%") for share in (0, 0.25, 0.5, 0.75, 1)],
        width=WIDTH,
        left=LEFT,
        cost_left=COST_LEFT,
        cost_right=COST_RIGHT,
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
    """Dollars a task against the rate; solvers whose price is unknown are left out, and all where nobody paid."""
    priced = [(line, line.dollars_per_task) for line in lines if line.dollars_per_task is not None]
    if not any(dollars for _, dollars in priced):
        return []
    priced.sort(key=lambda each: (-each[0].pass_at_1, each[1]))
    most, height = _most(lines), _height(lines)
    at = [_up(line.pass_at_1, height) for line, _ in priced]
    return [
        Dot(line.name, f"{money(dollars)} $ a task, {percent(line.pass_at_1)}", _cost(dollars, most), y, name_y)
        for (line, dollars), y, name_y in zip(priced, at, apart(at, NAME_ROW, height - BOTTOM), strict=True)
    ]


def apart(places: Sequence[float], gap: float, most: float) -> list[float]:
    """Ascending places, moved as little as it takes to be `gap` apart and not beyond `most` (pure)."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    for number in range(len(moved) - 1, -1, -1):
        after = moved[number + 1] - gap if number + 1 < len(moved) else most
        moved[number] = min(moved[number], after)
    return moved


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


def _cell(attempts: Sequence[Result], anchor: str) -> Cell:
    if not attempts:
        return Cell("none", "", anchor)
    solved = sum(row.resolved for row in attempts)
    outcomes = {row.outcome for row in attempts}
    if solved:
        kind = "resolved" if solved == len(attempts) else "partly"
    else:
        kind = next((name for name in ("tamper", "infra_error") if name in outcomes), "unresolved")
    mark = " ⚑" if any(row.flagged for row in attempts) else ""
    text = f"{solved}/{len(attempts)}" if len(attempts) > 1 else {"resolved": "✓", "unresolved": "✗"}.get(kind, kind)
    return Cell(kind, text + mark, anchor)


def _across(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _height(lines: Sequence[Line]) -> int:
    """Of the chart of cost: more where its names need more room."""
    return max(SCATTER, TOP + BOTTOM + NAME_ROW * len(lines))


def _up(share: float, height: int) -> float:
    return round(height - BOTTOM - share * (height - TOP - BOTTOM), 1)


def _cost(dollars: float, most: float) -> float:
    return round(COST_LEFT + dollars / most * (COST_RIGHT - COST_LEFT), 1)


def _most(lines: Sequence[Line]) -> float:
    """The right end of the cost axis: a round number not below the dearest."""
    dearest = max((line.dollars_per_task or 0.0 for line in lines), default=0.0)
    if dearest <= 0:
        return 1.0
    step = 10 ** math.floor(math.log10(dearest))
    return float(math.ceil(dearest / step) * step)
