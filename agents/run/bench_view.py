"""What a person sees while a batch runs: a live board on a terminal, plain lines elsewhere, JSON for a program."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agents.run.shown import shown
from tasks.notice import Notice, Told
from tasks.report_text import count, interval, money, percent
from tasks.tally import Count, Tally
from tasks.watched import Watched

Running = Callable[[], Sequence[Watched]]
MOST = 12  # attempts under way that are drawn
EVERY = 60.0  # seconds between two lines about the whole, where nothing is drawn


class Board:
    """The models so far, what is under way, and where it will end."""

    def __init__(
        self, tally: Tally, running: Running, note: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`note`: what holds the batch up, or empty."""
        self._tally, self._running, self._note, self._clock = tally, running, note, clock
        self._last = ""

    def tell(self, notice: Notice) -> None:
        if notice.kind in ("again", "failed", "said", "left"):
            self._last = line(notice)

    def __rich__(self) -> RenderableType:
        tally = self._tally
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(max(1, tally.total), tally.ended, width=40), Text(whole(tally)))
        parts: list[RenderableType] = [bar, models(tally), self._under_way()]
        notes = [text for text in (self._note(), self._last) if text]
        parts += [Text(shown(text), "yellow", overflow="ellipsis", no_wrap=True) for text in notes]
        return Group(*parts)

    def _under_way(self) -> RenderableType:
        drawn = Table.grid(padding=(0, 1))
        for width in (28, 14, 7):
            drawn.add_column(no_wrap=True, overflow="ellipsis", max_width=width)
        drawn.add_column(justify="right", no_wrap=True)
        drawn.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        running = sorted(self._running(), key=lambda each: each.started)
        now = self._clock()
        for each in running[:MOST]:
            row, model, run = each.job.planned.key
            silent = now - each.heard
            said = each.text + (f" (silent for {silent:.0f} s)" if silent > EVERY else "")
            told = Text(shown(said), "dim")
            drawn.add_row(row, f"{model} #{run}", Text(each.job.stage, "cyan"), f"{now - each.started:.0f} s", told)
        if len(running) > MOST:
            drawn.add_row(Text(f"and {len(running) - MOST} more", "dim"))
        return drawn


def models(tally: Tally) -> RenderableType:
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    drawn.add_column("model", overflow="fold", max_width=36)
    for name in ("ended", "resolved", "95% interval", "infra", "$", "$ projected", "tokens"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for name, found in list(tally.models.items()):
        drawn.add_row(shown(name), *cells(found))
    return drawn


def cells(found: Count) -> tuple[str, ...]:
    between = found.interval
    return (
        f"{found.ended}/{found.planned}",
        f"{found.resolved} ({percent(found.rate)})" if found.ended else "–",
        interval(between) if between else "–",
        str(found.infra) if found.infra else "–",
        money(found.dollars if found.priced else None),
        "–" if found.projected is None else money(found.projected),
        count(found.tokens),
    )


def whole(tally: Tally) -> str:
    eta = tally.eta
    left = "" if eta is None else f" · about {clock_time(eta)} to go"
    return f"{tally.ended} of {tally.total}{left}"


def clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def line(notice: Notice) -> str:
    """One line for a person."""
    row, model, run = notice.key
    who = f"{row} {model} #{run}: " if row else ""
    if notice.kind == "graded" and notice.result is not None:
        result = notice.result
        marks = f" [{', '.join(result.flagged)}]" if result.flagged else ""
        reason = f": {result.reason}" if result.reason else ""
        spent = "cached" if result.cached else f"{result.seconds:.0f} + {sum(result.grading.values()):.0f} s"
        return f"{who}{result.outcome}{reason}{marks} ({spent})"
    cause = f"{notice.early}: " if notice.early else ""
    return f"{who}{cause}{notice.text or notice.kind}"


def summary(tally: Tally) -> str:
    parts = [f"{name} {found.resolved}/{found.ended} ${found.dollars:.2f}" for name, found in tally.models.items()]
    return f"{whole(tally)} · {' · '.join(parts)}"


class Lines:
    """For a log: one line for each end, and one about the whole now and then."""

    def __init__(self, tally: Tally, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tally, self._say, self._clock = tally, say, clock
        self._last = clock()

    def tell(self, notice: Notice) -> None:
        if notice.kind in ("begun", "solved"):
            return
        ended = notice.kind == "graded"
        self._say(f"{self._tally.ended}/{self._tally.total} {line(notice)}" if ended else line(notice))
        if self._clock() - self._last >= EVERY:
            self._last = self._clock()
            self._say(summary(self._tally))


def event(notice: Notice, tally: Tally) -> dict[str, object]:
    """One line for a program; an end comes with where the whole stands."""
    row = {"at": round(time.time(), 3), **notice.as_json()}
    return row | ({"progress": tally.as_json()} if notice.result is not None else {})


@contextmanager
def watching(
    console: Console, tally: Tally, running: Running, note: Callable[[], str], *, as_json: bool
) -> Iterator[Told]:
    """Yields what is told of each notice. Events go to where `console` draws; standard output stays the result's."""

    def say(text: str) -> None:
        console.print(shown(text), highlight=False, markup=False, soft_wrap=True)

    def counted(told: Told) -> Told:
        def tell(notice: Notice) -> None:
            if notice.result is not None:
                tally.add(notice.key, notice.result)
            told(notice)

        return tell

    if as_json:
        yield counted(lambda notice: say(json.dumps(event(notice, tally))))
    elif console.is_terminal:
        board = Board(tally, running, note)
        with Live(board, console=console, refresh_per_second=4):
            yield counted(board.tell)
    else:
        yield counted(Lines(tally, say).tell)
