"""What a person sees while a run works: a live list of stages and of seats on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from agents.run.shown import shown
from tasks.event import Event, Tell

Clock = Callable[[], float]


@dataclass
class Seat:
    """One role at work, by what its model's replies told."""

    since: float
    does: str = ""  # the calls of its last reply, or how that began
    tokens: int = 0
    dollars: float = 0.0


class LiveView:
    """The stages so far, the one that runs with its spinner, bar and seconds, the seats of a team, and what is left."""

    def __init__(self, left: Callable[[], str], clock: Clock = time.monotonic) -> None:
        self._left = left
        self._clock = clock
        self._started = clock()
        self._done: list[tuple[Event, float]] = []
        self._now: Event | None = None
        self._since = self._started
        self._spinner = Spinner("dots", style="cyan")
        self._seats: dict[str, Seat] = {}

    def tell(self, event: Event) -> None:
        self._seated(event)
        if self._now is not None and self._now.stage != event.stage:
            self._done.append((self._now, self._clock() - self._since))
            self._since = self._clock()
        self._now = event

    def _seated(self, event: Event) -> None:
        data = event.data
        if "seat" not in data:
            return
        seat = self._seats.setdefault(str(data["seat"]), Seat(self._clock()))
        seat.does = str(data.get("does", ""))
        seat.tokens += int(str(data.get("tokens_in", 0))) + int(str(data.get("tokens_out", 0)))
        seat.dollars += float(str(data.get("dollars", 0)))

    def finish(self) -> None:
        """The stage that ran has ended."""
        if self._now is not None:
            self._done.append((self._now, self._clock() - self._since))
            self._now = None

    def __rich__(self) -> RenderableType:
        lines = Table.grid(padding=(0, 1))
        lines.add_column(width=1)
        lines.add_column(width=9)
        lines.add_column(ratio=1, overflow="fold")
        lines.add_column(justify="right", width=8)
        for event, seconds in self._done:
            lines.add_row(Text("✓", "green"), Text(event.stage, "bold"), Text(text(event)), duration(seconds))
        if self._now is None:
            return lines
        lines.add_row(self._spinner, Text(self._now.stage, "bold cyan"), self._progress(self._now), self._elapsed())
        total = self._clock() - self._started
        return Group(lines, *self._team(), Text(f"  {total:.0f} s elapsed · {self._left()}", "dim"))

    def _team(self) -> list[RenderableType]:
        """A line for each seat: what it does, what it used, and for how long it has been at work."""
        if not self._seats:
            return []
        lines = Table.grid(padding=(0, 1))
        for width in (20, None, 14, 9, 8):
            lines.add_column(
                width=width, ratio=None if width else 1, justify="right" if width and width < 20 else "left"
            )
        for name, seat in list(self._seats.items()):
            used = Text(f"{seat.tokens:,} tokens", "dim"), Text(f"${seat.dollars:.4f}", "dim")
            lines.add_row(
                Text(f"  {name}", "cyan"), Text(shown(seat.does)), *used, duration(self._clock() - seat.since)
            )
        return [lines]

    def _elapsed(self) -> Text:
        return duration(self._clock() - self._since)

    @staticmethod
    def _progress(event: Event) -> RenderableType:
        if not event.total:
            return Text(text(event))
        return Group(Text(text(event)), ProgressBar(event.total, event.done, width=40))


def text(event: Event) -> str:
    return shown(event.text) + (f" ({event.done} of {event.total})" if event.total else "")


def duration(seconds: float) -> Text:
    return Text(f"{seconds:.1f} s", "dim")


@contextmanager
def watching(console: Console, left: Callable[[], str], *, live: bool = True) -> Iterator[Tell]:
    """Yields a `Tell` that draws on `console`: live where it is a terminal, a line for each new text elsewhere.

    Not `live` where a person is going to be asked something meanwhile.
    """
    if not (live and console.is_terminal):
        yield plain(console)
        return
    view = LiveView(left)
    with Live(view, console=console, refresh_per_second=8) as drawn:
        try:
            yield view.tell
        finally:
            view.finish()
            drawn.refresh()


def plain(console: Console, clock: Clock = time.monotonic) -> Tell:
    """One line for each event, at most one every two seconds for the progress of the same stage."""
    started = clock()
    last = ("", float("-inf"))

    def tell(event: Event) -> None:
        nonlocal last
        stage, at = last
        now = clock() - started
        if event.total and stage == event.stage and now - at < 2 and event.done < event.total:
            return
        last = (event.stage, now)
        console.print(f"{now:7.1f}s  {event.stage:<9}  {text(event)}", highlight=False, markup=False, soft_wrap=True)

    return tell
