"""Every command: options in, exit status out. Heavy parts are imported by the command that needs them."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from agents.run import index, mine
from agents.run.arguments import Json, Mirrors
from agents.run.bench import bench
from agents.run.bot import app as bot
from agents.run.compare import compare
from agents.run.drift import drift
from agents.run.report import report
from agents.run.review import review
from agents.run.score import score
from agents.run.validate import validate

app = typer.Typer(
    help="Turn an issue into a tested patch, and measure how often that works.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def root() -> None:
    """Turn an issue into a tested patch, and measure how often that works."""


@app.command()
def run(
    repo: Annotated[str, typer.Option("--repo", help="A folder with a repository, or its URL.")],
    issue: Annotated[str, typer.Option("--issue", help="A text, a file, an issue's URL, or - for standard input.")],
    commit: Annotated[str | None, typer.Option(help="Solve this revision, not the worktree as it is.")] = None,
    model: Annotated[str, typer.Option(help="repair (built in, no key), empty, replay:FILE, or a NAME.")] = "repair",
    base_url: Annotated[str, typer.Option(help="An OpenAI-compatible server that has the model.")] = "",
    sandbox: Annotated[
        Literal["docker", "bubblewrap", "local"] | None,
        typer.Option(help="Where code runs; local is not isolated. Default: docker, where none answers bubblewrap."),
    ] = None,
    test_command: Annotated[str | None, typer.Option(help="How the repository is tested, as a shell line.")] = None,
    python: Annotated[str | None, typer.Option(help="The repository's Python, as 3.9; else as its files say.")] = None,
    budget: Annotated[float | None, typer.Option(help="Dollars that may be spent on models.")] = None,
    allow_unpriced: Annotated[bool, typer.Option("--allow-unpriced", help="Use a model of unknown price.")] = False,
    attempts: Annotated[int, typer.Option(help="Independent candidates, of which the best is delivered.")] = 1,
    no_tests: Annotated[
        bool, typer.Option("--no-tests", help="Leave tests that were written out of the patch.")
    ] = False,
    approve: Annotated[str, typer.Option(help="Stop and ask a person: plan, patch, or both with a comma.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder. Given again, the run goes on, or is shown."),
    ] = None,
    mirrors: Mirrors = None,
    apply: Annotated[bool, typer.Option("--apply", help="Apply a verified patch to the worktree.")] = False,
    branch: Annotated[str | None, typer.Option(help="Commit a verified patch on this new branch.")] = None,
    as_json: Json = False,
) -> None:
    """Turn an issue into a patch, and say whether it is verified."""
    from agents.run.command import run_command
    from agents.run.options import Options, dollars

    options = Options(
        repo=repo,
        issue=issue,
        commit=commit,
        model=model,
        base_url=base_url,
        sandbox=sandbox,
        test_command=test_command,
        python=python,
        dollars=dollars(budget),
        allow_unpriced=allow_unpriced,
        attempts=attempts,
        keep_test=not no_tests,
        approve=approve,
        mirrors=mirrors,
        apply=apply,
        branch=branch,
        out=out,
        as_json=as_json,
    )
    raise typer.Exit(run_command(options))


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    budget: Annotated[
        float | None, typer.Option(help="Dollars that the whole run may spend, in place of its first limit.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Go on with a run that waits for a person's answer, was stopped or was killed; show one that is finished."""
    from agents.run.command import resume_command
    from agents.run.options import dollars

    raise typer.Exit(resume_command(folder, dollars(budget), as_json))


@app.command()
def graph() -> None:
    """Print the team's graph in Mermaid's notation."""
    from agents.run.graph import mermaid

    print(mermaid())


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
    from agents.run.doctor import doctor as examine
    from sandbox.cache import cache_place

    status = examine(as_json=as_json, clean=clean, repo=repo, cache=cache_place(os.environ), environment=os.environ)
    raise typer.Exit(status)


app.command()(bench)
app.command()(score)
app.command()(report)
app.command()(validate)
app.command()(compare)
app.command()(drift)
app.command()(review)
app.add_typer(index.app, name="index")
app.add_typer(mine.app, name="mine")
app.add_typer(bot.app, name="bot")
