"""`solve report`: what runs came to, with how sure that is."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agents.run.arguments import Json

if TYPE_CHECKING:
    from tasks.results import Result


def report(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Folders that `solve bench` or `solve score` wrote.")
    ] = None,
    baseline: Annotated[str, typer.Option(help="Compare every solver with this one.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page here.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request's comment.")] = False,
    sql: Annotated[str, typer.Option(help="Ask DuckDB about the table `attempts`, e.g. 'SUMMARIZE attempts'.")] = "",
    db: Annotated[str, typer.Option(help="Read the runs (all, if none is named) from this database.")] = "",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    as_json: Json = False,
) -> None:
    """Compare runs: rates with intervals, paired tests, cost, causes of failure."""
    from rich.console import Console

    from tasks import report_text
    from tasks.report import leaderboard

    results = found(runs or [], db)
    console = Console(soft_wrap=True, width=max(160, Console().width))  # wide tables are cut by nobody
    if sql:
        from tasks.report_sql import query

        columns, rows = query(results, sql)
        print(
            json.dumps(
                [dict(zip(columns, row, strict=True)) for row in rows], default=str, indent=None if as_json else 2
            )
        )
        return
    board = leaderboard(results, baseline, seed)
    if html is not None:
        from sandbox.api import BadInput
        from tasks.report_html import page

        try:
            html.write_text(page(board, " · ".join(run.name for run in runs or [])), "utf-8")
        except OSError as error:
            raise BadInput(f"cannot write {html} ({error.strerror}): give another file with --html") from error
    if as_json:
        print(json.dumps(report_text.as_json(board)))
    elif markdown:
        print(report_text.markdown(board), end="")
    else:
        console.print(report_text.table(board))
        for note in (*report_text.notes(board), *report_text.details(board)):
            console.print(note, markup=False, highlight=False, style="dim")


def found(runs: list[Path], db: str) -> "list[Result]":
    """Raises BadInput: there are no results."""
    from sandbox.api import BadInput
    from tasks.history import read_runs

    if not db:
        if not runs:
            raise BadInput("name a run's folder, or a database with --db")
        return read_runs(runs)
    from tasks.database import Database

    with Database(db, "report") as database:
        results = database.results([run.name for run in runs])
    if not results:
        raise BadInput(f"there are no results of {', '.join(run.name for run in runs) or 'any run'} in this database")
    return results
