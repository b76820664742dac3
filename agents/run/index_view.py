"""Tables of `solve index` for a person."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.index.company import Passage
from agents.index.rank import RankedFile, RankedSymbol


def show_built(found: dict[str, Any]) -> None:
    console = Console()
    console.print(f"{found['files']} files, {found['units']} units; {found['parsed']} files were new", highlight=False)
    console.print(Text(f"store: {found['store']}"), highlight=False)
    if not found["skipped"]:
        return
    table = Table("why", "files", "for instance", title="left out", title_justify="left", box=None)
    for why, count in Counter(each["why"] for each in found["skipped"]).most_common():
        first = next(each["path"] for each in found["skipped"] if each["why"] == why)
        table.add_row(Text(why), str(count), Text(first))
    console.print(table)


def show_ranking(files: Sequence[RankedFile], symbols: Sequence[RankedSymbol], documents: Sequence[Passage]) -> None:
    """Files with the passages of documents and sibling repositories among them, then symbols."""
    console = Console()
    table = Table("", "file", "from", "score", "why", box=None)
    for place, file in enumerate(files):
        for passage in documents:
            if passage.place == place:
                _add_passage(table, passage)
        table.add_row(str(place + 1), Text(file.path), "", f"{file.score:.3f}", Text("; ".join(file.why)))
    for passage in documents:
        if passage.place >= len(files):
            _add_passage(table, passage)
    console.print(table)
    console.print()
    table = Table("", "symbol", "where", "score", "why", box=None)
    for place, symbol in enumerate(symbols, 1):
        where = Text(f"{symbol.path}:{symbol.line}-{symbol.last}")
        table.add_row(str(place), Text(symbol.name), where, f"{symbol.score:.3f}", Text("; ".join(symbol.why)))
    console.print(table)


def _add_passage(table: Table, passage: Passage) -> None:
    where = Text(f"{passage.path}:{passage.line}-{passage.last}")
    why = Text(f"its words fit{', ' if passage.name else ''}{passage.name}")
    table.add_row("", where, Text(passage.origin or "documents"), "", why)


def show_bench(found: dict[str, Any]) -> None:
    title = (
        f"{found['files']} files, {found['bytes'] / 1e6:.1f} MB, {found['lines']} lines; medians of {found['repeat']}"
    )
    table = Table("", title=title, title_justify="left", box=None)
    for name in ("CPU s", "wall s", "CPU / parse", "wall / parse", "peak MB"):
        table.add_column(name, justify="right")
    for name, row in found["rows"].items():
        peak = str(row["peak_mb"]) if row["peak_mb"] else ""
        figures = (f"{row[key]:.3f}" for key in ("cpu_s", "wall_s", "ratio", "wall_ratio"))
        table.add_row(name, *figures, peak)
    Console().print(table)


def show_report(found: dict[str, Any]) -> None:
    console = Console()
    table = Table("", "n", title="share found among the first k, in per cent", title_justify="left", box=None)
    columns = [("file", name) for name in found["file"]] + [("function", name) for name in found["function"]]
    for kind, name in columns:
        table.add_column(f"{kind} {name.replace('recall@', '@')}", justify="right")
    table.add_column("MRR", justify="right")
    for title, part in {"all": found, **found["repositories"]}.items():
        figures = [f"{100 * part[kind][name]:.1f}" for kind, name in columns]
        table.add_row(title, str(part["n"]), *figures, f"{part['mrr']:.3f}")
    low_high = [found["intervals"][kind][name] for kind, name in columns]
    table.add_row("95%", "", *[f"{100 * low:.0f}-{100 * high:.0f}" for low, high in low_high])
    console.print(table)
    paired = ", ".join(
        f"{name} {100 * part['mean']:+.1f} [{100 * part['interval'][0]:+.1f}, {100 * part['interval'][1]:+.1f}]"
        for name, part in found["minus_bm25_whole_file"].items()
    )
    console.print(f"minus BM25 over whole files, row by row: {paired}", highlight=False)
    console.print(f"CPU seconds a query: {found['cpu_s']}", highlight=False)
