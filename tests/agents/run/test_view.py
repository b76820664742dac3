import io

from rich.console import Console

from agents.run.view import LiveView, plain, watching
from tasks.event import Event


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(view: LiveView) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(view)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_live_shows_what_is_done_what_runs_and_what_is_left() -> None:
    clock = Clock()
    view = LiveView(lambda: "55 s of the budget left", clock)
    view.tell(Event("task", "Wrong sum [bold]"))
    clock.now = 2.0
    view.tell(Event("code", "trying edits", 30, 90))
    clock.now = 5.0
    text = drawn(view)
    assert "✓ task" in text
    assert "Wrong sum [bold]" in text, "text of an issue is no markup"
    assert "trying edits" in text
    assert "3.0 s" in text
    assert "5 s elapsed · 55 s of the budget left" in text
    view.finish()
    assert drawn(view).count("✓") == 2


def test_live_shows_each_seat_with_what_it_does_and_has_used() -> None:
    clock = Clock()
    view = LiveView(lambda: "", clock)
    for name, does in (("coder/first", "view"), ("coder/second", "edit, [bold]test"), ("coder/first", "done")):
        used = {"seat": name, "does": does, "tokens_in": 1000, "tokens_out": 20, "dollars": "0.0015"}
        view.tell(Event("code", f"{name}: {does} (so far)", data=used))
        clock.now += 2.0
    text = drawn(view)
    (first,) = [line.split() for line in text.splitlines() if line.strip().startswith("coder/first ")]
    (second,) = [line.split() for line in text.splitlines() if line.strip().startswith("coder/second ")]
    assert first == ["coder/first", "done", "2,040", "tokens", "$0.0030", "6.0", "s"]
    assert second == ["coder/second", "edit,", "[bold]test", "1,020", "tokens", "$0.0015", "4.0", "s"]


def test_plain_lines_carry_no_colour_and_thin_progress_out() -> None:
    clock = Clock()
    file = io.StringIO()
    tell = plain(Console(file=file, force_terminal=False), clock)
    for number in range(1, 100):
        clock.now = number * 0.05
        tell(Event("code", "tried", number, 100))
    tell(Event("code", "tried", 100, 100))
    lines = file.getvalue().splitlines()
    assert 3 <= len(lines) <= 5
    assert lines[-1].endswith("tried (100 of 100)")
    assert "\x1b" not in file.getvalue()


def test_without_a_terminal_plain_lines_are_chosen() -> None:
    file = io.StringIO()
    with watching(Console(file=file, force_terminal=False), lambda: "") as tell:
        tell(Event("task", "Wrong sum"))
    assert file.getvalue().split() == ["0.0s", "task", "Wrong", "sum"]
