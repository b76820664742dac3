"""`solve drift`: what moved between two runs."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agents.run.arguments import Json

if TYPE_CHECKING:
    from tasks.drift import Drift, Profile


def drift(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="A folder of `solve bench`, `run`, or of runs.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="A later one.")],
    as_json: Json = False,
) -> None:
    """Compare inputs and outputs of two runs: lengths, formats, malformed replies, tools, topics by their terms."""
    from agents.run.profile import profile
    from agents.run.traces import read_traces
    from tasks.drift import drift as compared

    first, second = (profile(read_traces(run)) for run in (before, after))
    found = compared(first, second)
    if as_json:
        print(json.dumps(drift_json(found, first, second)))
    else:
        show_drift(found, (f"{before.name} ({first.attempts})", f"{after.name} ({second.attempts})"))


def show_drift(found: "Drift", names: tuple[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from agents.run.shown import shown

    console = Console(soft_wrap=True, width=max(140, Console().width))
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", *names, "effect", "p (Holm)", ""):
        drawn.add_column(Text(shown(name)), max_width=44)
    for row in found.rows:
        effect, p = ("–" if math.isnan(value) else f"{value:+.2f}" for value in (row.effect, row.p))
        sure = "moved" if row.moved else "too little to tell" if math.isnan(row.p) else ""
        drawn.add_row(*(Text(shown(cell)) for cell in (row.name, row.before, row.after, effect, p.lstrip("+"), sure)))
    console.print(drawn)
    for name, (gone, come) in found.terms.items():
        for what, terms in ((names[0], gone), (names[1], come)):
            if terms:
                console.print(Text(shown(f"{name}, said more often in {what}: {', '.join(terms)}")))
    moved = [row.name for row in found.rows if row.moved]
    console.print(Text(f"moved: {', '.join(moved)}" if moved else "nothing moved that chance would not explain"))


def drift_json(found: "Drift", first: "Profile", second: "Profile") -> dict[str, object]:
    """Undefined numbers as null."""
    rows = [
        {
            "name": row.name,
            "before": row.before,
            "after": row.after,
            "effect": None if math.isnan(row.effect) else row.effect,
            "p_holm": None if math.isnan(row.p) else row.p,
            "moved": row.moved,
        }
        for row in found.rows
    ]
    terms = {name: {"before": list(gone), "after": list(come)} for name, (gone, come) in found.terms.items()}
    return {"attempts": [first.attempts, second.attempts], "rows": rows, "terms": terms}
