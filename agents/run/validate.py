"""`solve validate`: which rows can judge a patch here, and why the others cannot."""

import json
from typing import Annotated

import typer

from agents.run.arguments import (
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
    Since,
    Tasks,
)


def validate(
    tasks: Tasks,
    runs: Annotated[
        int,
        typer.Option(
            "-n", "--runs", min=1, help="How often the answer and the empty patch are run: more find flaky rows."
        ),
    ] = 1,
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
    as_json: Json = False,
) -> None:
    """List the rows on which the answer is resolved and the empty patch is not; the list is a suite by itself."""
    from agents.run import grading
    from agents.run.validation import Validated, results_of, table, validate_row
    from tasks.batch import run_batch
    from tasks.results import Results
    from tasks.rundir import replaced
    from tasks.suite import Validation, write_suite

    options = grading.Options(
        tasks, ids, repositories, part, seed, mirrors, base_image, jobs or grading.default_jobs(), out, regrade, since
    )
    suite = grading.open_suite(options)
    folder = grading.open_folder(options, f"validate {suite.name}")
    graders = grading.open_grader(options, folder.name), grading.open_grader(options, folder.name, fresh=True)
    found: list[Validation] = []
    results = Results(folder)

    def keep(validated: Validated) -> None:
        validation = validated.validation
        found.append(validation)
        for result, graded in results_of(validated, suite.digest):
            grading.keep_result(folder, results, result, graded)
        grading.say(f"{len(found)}/{len(suite.rows)} {validation.row.task.id} {validation.verdict} {validation.reason}")

    run_batch(suite.rows, lambda row: validate_row(row, *graders, runs), keep, options.jobs)
    found.sort(key=lambda validation: validation.row.task.id)
    kept = write_suite(folder / "suite.jsonl", found)
    verdicts = {item.row.task.id: {"verdict": item.verdict, "reason": item.reason} for item in found}
    replaced(folder / "validation.json", json.dumps(verdicts, indent=2).encode() + b"\n")
    if as_json:
        print(json.dumps({"run": str(folder), "rows": len(found), "suite": kept, "verdicts": verdicts}))
    else:
        table(folder, found)
    raise typer.Exit(3 if any(item.verdict == "unknown" for item in found) else 0)
