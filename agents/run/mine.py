"""`solve mine`: rows of one's own, from a repository's history or from the releases of packages."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from agents.run.arguments import PYTHON_IMAGE, BaseImage, Jobs, Json, Mirrors, Out

if TYPE_CHECKING:
    from agents.run.grading import Options
    from agents.run.issue_words import Words
    from agents.run.mining import Make
    from tasks.mine.harvest import Harvest

app = typer.Typer(help="Make benchmark rows of your own, validated by running them.", no_args_is_help=True)

Rows = Annotated[int, typer.Option("--rows", min=1, help="Stop when there are this many validated rows.")]
Runs = Annotated[int, typer.Option("-n", "--runs", min=1, help="How often the answer and the empty patch are run.")]
Since = Annotated[str, typer.Option(help="Nothing from before this day, as 2026-01-31: after a model's training.")]
Model = Annotated[str, typer.Option(help="Let this model of models.toml write the issues. Default: words as they are.")]
Budget = Annotated[float | None, typer.Option(help="Dollars that the model may cost.")]


@app.command("git")
def mine_git(
    repo: Annotated[str, typer.Argument(help="A folder with a repository, or OWNER/NAME under --mirrors.")],
    commit: Annotated[str, typer.Option(help="Mine what led to this revision.")] = "HEAD",
    since: Since = "",
    most: Annotated[int, typer.Option(min=1, help="Steps of the main line that are looked at, newest first.")] = 500,
    rows: Rows = 20,
    runs: Runs = 2,
    model: Model = "",
    budget: Budget = None,
    mirrors: Mirrors = None,
    base_image: BaseImage = PYTHON_IMAGE,
    jobs: Jobs = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Mine a repository's history: commits and merges that change source and tests. Running it again goes on."""
    from agents.run.issue_words import words_of
    from sandbox.origin import open_origin
    from sandbox.revision import resolve
    from tasks.mine import history

    check_day(since)
    repository = local_name(repo)
    with TemporaryDirectory(prefix="solve-mine-") as scratch, open_origin(
        repository, None, mirrors=mirrors, tell=say
    ) as origin, words_of(model, budget, rows, repository, say) as words:  # fmt: skip
        git = origin.reader(Path(scratch))
        head = resolve(origin, git, commit)

        def changes() -> "Iterator[tuple[str, Make]]":
            for step in history.steps(git, head, since, most):
                yield history.name_of(repository, step.commit), partial(history.candidate, git, repository, step)

        options = options_of(mirrors, base_image, jobs, out)
        work(options, repository.rpartition("/")[2], changes(), words, rows=rows, runs=runs, as_json=as_json)


@app.command("pypi")
def mine_pypi(
    packages: Annotated[
        list[str], typer.Argument(help="Packages whose sdists carry tests, or NAME==VERSION for one fix.")
    ],
    since: Since = "",
    most: Annotated[int, typer.Option(min=1, help="Pairs of releases of each package, newest first.")] = 5,
    rows: Rows = 1000,
    runs: Runs = 2,
    model: Model = "",
    budget: Budget = None,
    base_image: BaseImage = PYTHON_IMAGE,
    jobs: Jobs = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Mine releases: each is the base, and the next one the answer. Running it again goes on."""
    from agents.run.issue_words import words_of
    from sandbox.release import releases as listed
    from tasks.mine import releases

    check_day(since)
    wanted = [(version, listed(name)) for name, _, version in (package.partition("==") for package in packages)]

    def changes() -> "Iterator[tuple[str, Make]]":
        for version, found in wanted:
            for before, after in releases.consecutive(found, len(found) if version else most):
                if after.uploaded >= since and version in ("", after.version):
                    yield releases.name_of(before, after), partial(releases.candidate, before, after)

    with words_of(model, budget, rows, "", say) as words:
        options = options_of(None, base_image, jobs, out)
        work(options, "pypi", changes(), words, rows=rows, runs=runs, as_json=as_json)


def options_of(mirrors: Path | None, base_image: str, jobs: int, out: Path | None) -> "Options":
    from agents.run import grading

    return grading.Options("", "", "", "", None, mirrors, base_image, jobs or grading.default_jobs(), out, False)


def work(
    options: "Options",
    about: str,
    changes: "Iterator[tuple[str, Make]]",
    words: "Words",
    *,
    rows: int,
    runs: int,
    as_json: bool,
) -> None:
    """Mine, print the yield and why the others fell, and end with the exit status."""
    from agents.run.folders import runs_folder
    from agents.run.mining import Mine, this_bench
    from tasks.mine.harvest import Harvest
    from tasks.rundir import new_id

    harvest = Harvest(options.out or runs_folder() / new_id(f"mine {about}"))
    with closing(harvest), closing(this_bench(options, harvest.folder.name, runs)) as bench:
        suite = Mine(harvest, bench, rows, options.jobs, words).run(changes)
    machine = sum(seen.machine for seen in harvest.lines.values())
    if as_json:
        fallen = [{"stage": stage, "why": why, "count": count} for stage, why, count in harvest.fallen()]
        told = {"run": str(harvest.folder), "suite": str(suite), "rows": len(harvest.rows()), "yield": harvest.told()}
        print(json.dumps(told | {"fallen": fallen, "machine": machine}))
    else:
        show(harvest, suite)
    raise typer.Exit(3 if machine else 0)


def show(harvest: "Harvest", suite: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, header_style="dim")
    drawn.add_column("fell as")
    drawn.add_column("because")
    drawn.add_column("changes", justify="right")
    for stage, why, count in harvest.fallen():
        drawn.add_row(stage, why, str(count))
    console = Console(soft_wrap=True)
    console.print(drawn)
    console.print(f"{harvest.told()}; the suite is {suite}", markup=False, highlight=False)


def check_day(since: str) -> None:
    """Raises BadInput: it is no day."""
    from sandbox.api import BadInput

    try:
        date.fromisoformat(since or "2000-01-01")
    except ValueError:
        raise BadInput(f"{since!r} is no day: write it as 2026-01-31") from None


def local_name(repo: str) -> str:
    """A folder by its whole path, else the name as it is.

    Raises:
        BadInput: it is an address: what is fetched from one has no history.
    """
    from sandbox.api import BadInput

    if "://" in repo:
        raise BadInput(f"{repo} is mined from a clone: git clone it, and give the folder")
    folder = Path(repo).expanduser()
    return str(folder.resolve()) if folder.is_dir() else repo


def say(line: str) -> None:
    from agents.run import grading

    grading.say(line)
