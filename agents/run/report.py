"""`solve report`: what runs came to, with how sure that is."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agents.run.arguments import Json

if TYPE_CHECKING:
    from tasks.acceptance import Agreement, People
    from tasks.results import Result


def report(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Folders that `solve bench` or `solve score` wrote.")
    ] = None,
    baseline: Annotated[str, typer.Option(help="Compare every solver with this one.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page here.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request's comment.")] = False,
    sql: Annotated[str, typer.Option(help="Ask DuckDB about the table `attempts`, e.g. 'SUMMARIZE attempts'.")] = "",
    outcomes: Annotated[
        Path | None, typer.Option(help="What became of pull requests: the file of `solve bot outcomes`.")
    ] = None,
    db: Annotated[str, typer.Option(help="Read the runs (all, if none is named) from this database.")] = "",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    as_json: Json = False,
) -> None:
    """Compare runs: rates with intervals, paired tests, cost, causes of failure."""
    from rich.console import Console

    from tasks import report_text
    from tasks.acceptance import people, read_pulls
    from tasks.labels import read_labels
    from tasks.report import leaderboard

    results = found(runs or [], db)
    said = people(read_labels(runs or []), read_pulls(outcomes) if outcomes else ())
    console = Console(soft_wrap=True, width=max(160, Console().width))  # wide tables are cut by nobody
    if sql:
        from tasks.report_sql import query

        columns, rows = query(results, sql, said)
        print(
            json.dumps(
                [dict(zip(columns, row, strict=True)) for row in rows], default=str, indent=None if as_json else 2
            )
        )
        return
    board = leaderboard(results, baseline, seed, said)
    if html is not None:
        from sandbox.api import BadInput
        from tasks.report_html import page

        try:
            html.write_text(page(board, " · ".join(run.name for run in runs or []) or "all runs"), "utf-8")
        except OSError as error:
            raise BadInput(f"cannot write {html} ({error.strerror}): give another file with --html") from error
    judges = judged(runs or [], said)
    if as_json:
        print(
            json.dumps(report_text.as_json(board) | {"judges": {name: asdict(each) for name, each in judges.items()}})
        )
    elif markdown:
        print(report_text.markdown(board), end="")
    else:
        console.print(report_text.table(board))
        for note in (*report_text.notes(board), *report_text.details(board), *judges_told(judges)):
            console.print(note, markup=False, highlight=False, style="dim")


def judged(runs: list[Path], said: "People") -> "dict[str, Agreement]":
    """How far each model's reviewer agrees with people; nothing is read where nobody has said anything."""
    if not said.labels and not said.pulls:
        return {}
    from agents.run.judges import judge_agreement
    from agents.run.traces import read_traces

    return judge_agreement((trace for run in runs for trace in read_traces(run)), said)


def judges_told(found: "dict[str, Agreement]") -> list[str]:
    from tasks import report_text

    return [
        f"{name}: its reviewer agrees with people on {each.yes + each.no} of {each.total} attempts "
        f"(kappa {report_text.kappa(each)}), took {each.only_first} they did not, they {each.only_second} it did not"
        for name, each in found.items()
    ]


def found(runs: list[Path], db: str) -> "list[Result]":
    """Raises BadInput: there are no results."""
    from agents.run.traces import read_traces
    from sandbox.api import BadInput
    from tasks.history import read_runs
    from tasks.rundir import MARK

    if not db:
        if not runs:
            raise BadInput("name a run's folder, or a database with --db")
        batches = [run for run in runs if not (run / MARK).is_file()]
        singles = [trace.result for run in runs if run not in batches for trace in read_traces(run)]
        return [*(read_runs(batches) if batches else ()), *singles]
    from tasks.database import Database

    with Database(db, "report") as database:
        results = database.results([run.name for run in runs])
    if not results:
        raise BadInput(f"there are no results of {', '.join(run.name for run in runs) or 'any run'} in this database")
    return results
