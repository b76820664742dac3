"""What several commands take: one help text, one environment variable, one default for each."""

from pathlib import Path
from typing import Annotated

import typer

Tasks = Annotated[str, typer.Argument(help="A benchmark file, a dataset id (releases, lite, ...), a task folder.")]
Ids = Annotated[str, typer.Option(help="Only these rows: a,b or @FILE with one a line.")]
Repositories = Annotated[str, typer.Option("--repos", help="Only rows of these repositories: OWNER/NAME,...")]
Part = Annotated[str, typer.Option("--slice", help="Only this part of the rows: START:STOP, as Python cuts a list.")]
Seed = Annotated[int | None, typer.Option(help="Shuffle the rows before they are cut.")]
Since = Annotated[str, typer.Option(help="Only rows made on this day or later: 2026-01-31. After a model's training.")]
Mirrors = Annotated[Path | None, typer.Option(envvar="SOLVE_MIRRORS", help="Bare mirrors, at DIR/OWNER/NAME.git.")]
BaseImage = Annotated[
    str, typer.Option(envvar="SOLVE_PYTHON_IMAGE", help="Base image of rows that have to be built; {python} is 3.9.")
]
Jobs = Annotated[int, typer.Option("-j", "--jobs", min=0, help="How many at once. Default: one a core.")]
Out = Annotated[Path | None, typer.Option(help="The run's folder; given again, the run goes on. Default: runs/ID.")]
Regrade = Annotated[bool, typer.Option("--regrade", help="Grade again what was graded before.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else there.")]

RELEASES = "releases"  # the benchmark that comes with this program
PYTHON_IMAGE = "solve/python:{python}"
