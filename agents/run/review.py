"""`solve review`: a person reads a sample of what solvers did, and says what to think of it."""

import getpass
from pathlib import Path
from typing import Annotated

import typer


def review(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `solve bench`, `score` or `run` wrote.")],
    sample: Annotated[int, typer.Option(help="How many attempts.")] = 20,
    seed: Annotated[int, typer.Option(help="Which ones: the same for the same seed.")] = 0,
    by: Annotated[str, typer.Option(help="Who reviews. Default: this login.")] = "",
) -> None:
    """Walk through a seeded sample of trajectories; verdicts, tags and notes are kept in RUN/labels.jsonl."""
    from rich.console import Console

    from agents.run.reading import Reading, chosen
    from agents.run.traces import read_traces
    from tasks.labels import Labels

    labels = Labels(run)
    person = by or getpass.getuser()
    traces = chosen(read_traces(run), sample, seed)
    reading = Reading(labels, person, Console(soft_wrap=True), typer.get_text_stream("stdin").readline)
    told = reading.walk(traces)
    typer.echo(told)
