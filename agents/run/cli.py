"""The command line: options in, exit status out. Heavy parts are imported by the command that needs them."""

import os
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import typer

from agents.run import index
from agents.run.bench import bench
from agents.run.door import at_the_door
from agents.run.report import report
from agents.run.score import score
from agents.run.validate import validate

app = typer.Typer(
    help="Turn an issue into a tested patch, and measure how often that works.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else there.")]


@app.callback()
def root() -> None:
    """Turn an issue into a tested patch, and measure how often that works."""


@app.command()
def run(
    repo: Annotated[str, typer.Option("--repo", help="A folder with a repository, or its URL.")],
    issue: Annotated[str, typer.Option("--issue", help="A text, a file, an issue's URL, or - for standard input.")],
    commit: Annotated[str | None, typer.Option(help="Solve this revision, not the worktree as it is.")] = None,
    model: Annotated[
        str, typer.Option(help="repair (built in, no key), empty, or a name from models.toml.")
    ] = "repair",
    sandbox: Annotated[
        Literal["docker", "bubblewrap", "local"] | None,
        typer.Option(
            help="Where code runs; local is not isolated. Default: docker where an engine answers, else bubblewrap."
        ),
    ] = None,
    test_command: Annotated[str | None, typer.Option(help="How the repository is tested, as a shell line.")] = None,
    budget: Annotated[float | None, typer.Option(help="Dollars that may be spent on models.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder. Default: runs/ID beside the program.")] = None,
    mirrors: Annotated[
        Path | None, typer.Option(envvar="SOLVE_MIRRORS", help="Bare mirrors, at DIR/OWNER/NAME.git.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Apply a verified patch to the worktree.")] = False,
    branch: Annotated[str | None, typer.Option(help="Commit a verified patch on this new branch.")] = None,
    as_json: Json = False,
) -> None:
    """Turn an issue into a patch, and say whether it is verified."""
    from agents.run.command import Options, run_command

    dollars = None if budget is None else Decimal(str(budget))
    options = Options(repo, issue, commit, model, sandbox, test_command, dollars, out, mirrors, apply, branch, as_json)
    raise typer.Exit(run_command(options))


@app.command()
def demo() -> None:
    """Solve real bugs of released packages with the built-in engine: no key, no network while solving."""
    from agents.run.demo import demo as run_demo

    raise typer.Exit(run_demo())


@app.command()
def doctor(
    repo: Annotated[Path | None, typer.Option(help="Say how this repository would be built and tested.")] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove what dead runs left, in the engine and on disk.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what this machine can do, and the command that mends each lack."""
    from agents.run.command import cache_folder
    from agents.run.doctor import doctor as examine

    status = examine(as_json=as_json, clean=clean, repo=repo, cache=cache_folder(os.environ), environment=os.environ)
    raise typer.Exit(status)


app.command()(bench)
app.command()(score)
app.command()(report)
app.command()(validate)
app.add_typer(index.app, name="index")


def main() -> None:
    """The program `solve`. SIGTERM ends it as Ctrl-C does, so that sandboxes are closed on the way out."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(at_the_door(app))
