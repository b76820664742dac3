"""`solve bench`: solvers × rows × runs, each attempt solved, then graded."""

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agents.run.arguments import (
    PYTHON_IMAGE,
    RELEASES,
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
    Since,
    Tasks,
)

if TYPE_CHECKING:
    from agents.run.batch import Came

INTERRUPTED = 130


def bench(
    tasks: Tasks = RELEASES,
    model: Annotated[list[str] | None, typer.Option(help="A solver; may be given several times.")] = None,
    runs: Annotated[int, typer.Option("-k", "--runs", help="Attempts of each solver at each row.")] = 1,
    ids: Ids = "",
    repositories: Repositories = "",
    part: Part = "",
    seed: Seed = None,
    since: Since = "",
    mirrors: Mirrors = None,
    base_image: BaseImage = PYTHON_IMAGE,
    jobs: Jobs = 0,
    out: Out = None,
    regrade: Regrade = False,
    budget: Annotated[float | None, typer.Option(help="Dollars that all attempts together may spend.")] = None,
    model_budget: Annotated[
        float | None, typer.Option(help="Dollars that all attempts of one solver may spend.")
    ] = None,
    task_budget: Annotated[float | None, typer.Option(help="Dollars that each attempt may spend.")] = None,
    disk: Annotated[float | None, typer.Option(help="Gigabytes that images made by this program may take.")] = None,
    executor: Annotated[
        Literal["threads", "ray"], typer.Option(help="On this machine, or on a Ray cluster.")
    ] = "threads",
    ray_address: Annotated[str, typer.Option(help="The cluster's head, HOST:PORT. Default: this machine's.")] = "",
    share: Annotated[str, typer.Option(help="A path or fsspec URL that all nodes have, for what attempts leave.")] = "",
    db: Annotated[str, typer.Option(help="A database that several drivers of one run share: postgresql://... .")] = "",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Make what was not resolved anew.")] = False,
    salvage: Annotated[bool, typer.Option("--salvage", help="Leave out damaged lines of the ledger.")] = False,
    as_json: Json = False,
) -> None:
    """Let solvers try the rows of a benchmark, and grade what they hand in. Running it again goes on."""
    from tasks.collector import no_collector

    with no_collector():  # modules stay
        from agents.run import grading
        from agents.run.batch import Batch
        from agents.run.bench_floor import this_machine
        from agents.run.bench_run import run
        from agents.run.options import dollars
        from tasks.purse import Allowances

    options = grading.Options(tasks, ids, repositories, part, seed, mirrors, base_image, jobs, out, regrade, since)
    allowances = Allowances(dollars(budget), dollars(model_budget), dollars(task_budget))
    batch = Batch(
        options,
        tuple(model or ["repair"]),
        runs,
        allowances,
        disk,
        retry_failed,
        salvage,
        as_json,
        executor,
        ray_address,
        share,
        db,
    )
    raise typer.Exit(show(run(batch, this_machine()), as_json=as_json))


def show(came: "Came", *, as_json: bool) -> int:
    """Print what it came to; the exit status."""
    from agents.run import grading
    from agents.run.summary import summary_json, summary_table

    if as_json:
        print(json.dumps(summary_json(came.folder, came.results) | unfinished(came)))
    else:
        summary_table(came.folder, came.results)
        for line in unfinished_lines(came):
            grading.say(line)
    return exit_status(came)


def unfinished(came: "Came") -> dict[str, object]:
    return {"planned": came.planned, "not_admitted": came.not_admitted, "stopped": came.stopped}


def unfinished_lines(came: "Came") -> list[str]:
    lines = []
    if len(came.results) < came.planned:
        missing = came.planned - len(came.results)
        why = came.stopped or f"{came.not_admitted} were not admitted"
        lines.append(f"{missing} of {came.planned} attempts are not done ({why}); the same command with")
        lines.append(f"--out {came.folder} goes on")
    return lines


def exit_status(came: "Came") -> int:
    """0 all rows graded · 1 no budget for the rest · 3 infrastructure rows remain · 130 stopped by a person."""
    if came.by_person:
        return INTERRUPTED
    if came.stopped or any(result.outcome == "infra_error" for result in came.results):
        return 3
    return 0 if len(came.results) == came.planned else 1
