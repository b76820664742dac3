"""`solve compare`: a pinned model and a candidate on the same rows, before anyone switches. Nothing is delivered."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from agents.run.arguments import PYTHON_IMAGE, RELEASES, BaseImage, Ids, Jobs, Json, Mirrors, Out, Part, Seed, Tasks

if TYPE_CHECKING:
    from agents.run.batch import Came
    from tasks.results import Result


def compare(
    pinned: Annotated[str, typer.Option(help="The solver in use: a dated snapshot in models.toml.")],
    candidate: Annotated[str, typer.Option(help="The one that might take its place.")],
    tasks: Tasks = RELEASES,
    runs: Annotated[int, typer.Option("-k", "--runs", help="Attempts of each at each row.")] = 1,
    ids: Ids = "",
    part: Part = "",
    seed: Seed = None,
    mirrors: Mirrors = None,
    base_image: BaseImage = PYTHON_IMAGE,
    jobs: Jobs = 0,
    out: Out = None,
    budget: Annotated[float | None, typer.Option(help="Dollars that all attempts together may spend.")] = None,
    task_budget: Annotated[float | None, typer.Option(help="Dollars that each attempt may spend.")] = None,
    as_json: Json = False,
) -> None:
    """Shadow run: both solve the same rows, and what differs is laid side by side. Running it again goes on."""
    from agents.run import grading
    from agents.run.batch import Batch
    from agents.run.bench import exit_status, unfinished_lines
    from agents.run.bench_floor import this_machine
    from agents.run.bench_run import run
    from agents.run.options import dollars
    from sandbox.api import BadInput
    from tasks.purse import Allowances

    if pinned == candidate:
        raise BadInput(f"{pinned} cannot be compared with itself: name another --candidate")
    options = grading.Options(tasks, ids, "", part, seed, mirrors, base_image, jobs, out, False)
    allowances = Allowances(dollars(budget), None, dollars(task_budget))
    came = run(Batch(options, (pinned, candidate), runs, allowances, as_json=as_json), this_machine())
    if came.results:
        show(came, pinned, candidate, as_json=as_json)
    for line in unfinished_lines(came):
        grading.say(line)
    raise typer.Exit(exit_status(came))


def show(came: "Came", pinned: str, candidate: str, *, as_json: bool) -> None:
    """The leaderboard against the pinned one, the rows on which the two differ, and what drifted between them."""
    from rich.console import Console
    from rich.text import Text

    from agents.run.drift import drift_json, show_drift
    from agents.run.profile import profile
    from agents.run.traces import read_traces
    from tasks import report_text
    from tasks.drift import drift
    from tasks.report import leaderboard

    board = leaderboard(came.results, pinned)
    wanted = {result.attempt for result in came.results}
    traces = [trace for trace in read_traces(came.folder) if trace.result.attempt in wanted]
    first, second = (
        profile([trace for trace in traces if trace.result.model_name_or_path == name]) for name in (pinned, candidate)
    )
    found = drift(first, second)
    if as_json:
        rows = [dict(zip(("row", "pinned", "candidate"), row, strict=True)) for row in differing(came.results, pinned)]
        told = report_text.as_json(board) | {"run": str(came.folder), "differing": rows}
        print(json.dumps(told | {"drift": drift_json(found, first, second)}))
        return
    console = Console(soft_wrap=True, width=max(160, Console().width))
    console.print(report_text.table(board))
    for note in (*report_text.notes(board), *report_text.details(board)):
        console.print(note, markup=False, highlight=False, style="dim")
    for row, before, after in differing(came.results, pinned):
        console.print(Text(f"{row}: {pinned} {before}, {candidate} {after}"))
    show_drift(found, (f"{pinned} ({first.attempts})", f"{candidate} ({second.attempts})"))


def differing(results: "Sequence[Result]", pinned: str) -> list[tuple[str, str, str]]:
    """Rows that one resolves oftener than the other: how often each did."""
    counts: dict[str, dict[bool, list[bool]]] = {}
    for result in results:
        sides = counts.setdefault(result.instance_id, {True: [], False: []})
        sides[result.model_name_or_path == pinned].append(result.resolved)
    return [
        (row, f"{sum(sides[True])} of {len(sides[True])}", f"{sum(sides[False])} of {len(sides[False])}")
        for row, sides in sorted(counts.items())
        if sum(sides[True]) * len(sides[False]) != sum(sides[False]) * len(sides[True])
    ]
