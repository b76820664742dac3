"""`solve score`: predictions of any system, graded."""

import json
from contextlib import closing
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


def score(
    tasks: Tasks,
    predictions: Annotated[str, typer.Option(help="preds.jsonl or preds.json, as SWE-bench has them.")],
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
    """Grade predictions: each in a fresh container, by the hidden tests of its row."""
    from agents.run import grading
    from agents.run.summary import summary_json, summary_table
    from sandbox.api import BadInput
    from tasks.predictions import read_predictions

    options = grading.Options(
        tasks, ids, repositories, part, seed, mirrors, base_image, jobs or grading.default_jobs(), out, regrade, since
    )
    suite = grading.open_suite(options)
    rows = {row.task.id: row for row in suite.rows}
    given = read_predictions(predictions)
    attempts = [
        grading.predicted(row, prediction, suite.digest)
        for prediction in given
        if (row := rows.get(prediction.instance_id)) is not None
    ]
    if not attempts:
        raise BadInput(
            f"{predictions} has no prediction for a row of {tasks}: give others with --ids, --repos or --slice"
        )
    if len(attempts) < len(given):
        grading.say(f"{len(given) - len(attempts)} predictions are for rows that are not selected")
    missing = grading.unpredicted(attempts, rows)
    for model, count in missing.items():
        grading.say(f"{model} has no prediction for {count} of {len(rows)} rows: its rate is over the others")
    folder = grading.open_folder(options, f"score {suite.name}")
    with closing(grading.open_grader(options, folder.name)) as grader:
        results = grading.grade_all(attempts, grader, folder, options.jobs, fresh=regrade)
    if as_json:
        print(json.dumps(summary_json(folder, results) | {"rows": len(rows), "unpredicted": missing}))
    else:
        summary_table(folder, results)
    raise typer.Exit(grading.exit_status(results))
