"""`solve bench`: solvers × rows × runs, each attempt solved, then graded."""

import json
from typing import Annotated

import typer

from agents.run.score import (
    PYTHON_IMAGE,
    BaseImage,
    Ids,
    Jobs,
    Json,
    Mirrors,
    Out,
    Part,
    Regrade,
    Repositories,
    Seed,
    Tasks,
)


def bench(
    tasks: Tasks,
    model: Annotated[list[str] | None, typer.Option(help="A solver; may be given several times.")] = None,
    runs: Annotated[int, typer.Option("-k", "--runs", help="Attempts of each solver at each row.")] = 1,
    ids: Ids = "",
    repositories: Repositories = "",
    part: Part = "",
    seed: Seed = None,
    mirrors: Mirrors = None,
    base_image: BaseImage = PYTHON_IMAGE,
    jobs: Jobs = 0,
    out: Out = None,
    regrade: Regrade = False,
    budget: Annotated[float | None, typer.Option(help="Dollars that all attempts together may spend.")] = None,
    as_json: Json = False,
) -> None:
    """Let solvers try the rows of a benchmark, and grade what they hand in. Running it again goes on."""
    from agents.run import grading
    from agents.run.attempt import Attempting
    from agents.run.summary import summary_json, summary_table

    options = grading.Options(
        tasks, ids, repositories, part, seed, mirrors, base_image, jobs or grading.default_jobs(), out, regrade
    )
    suite = grading.open_suite(options)
    folder = grading.open_folder(options, f"bench {suite.name}")
    attempting = Attempting(suite, options, folder, budget)
    attempts = attempting.all(model or ["repair"], runs)
    grader = grading.open_grader(options, folder.name)
    results = grading.grade_all(attempts, grader, folder, options.jobs, solve=attempting.solve)
    if as_json:
        print(json.dumps(summary_json(folder, results)))
    else:
        summary_table(folder, results)
    raise typer.Exit(grading.exit_status(results))
