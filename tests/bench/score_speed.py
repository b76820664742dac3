"""Our grading and the public `swebench` package's, on the same images, gold patches, one run.

Usage: python tests/bench/score_speed.py ROWS MIRRORS [JOBS] [IDS]      (in .venv-score, after `solve validate`)

Prints one JSON object: wall seconds of both, their ratio, our seconds by stage, verdicts side by side. Its images are
ours and one layer more: what its evaluation script expects of a conda environment, and the name it looks for.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker

from agents.run.grading import Options, open_suite, place_row
from agents.run.summary import STAGES
from sandbox.bake import Step, bake
from sandbox.docker import DockerSandbox
from tasks.environment import Place
from tasks.grade import Grader
from tasks.image_settings import WORKDIR
from tasks.row import Row
from tasks.suite import fields

# Small rows of three runners, none of which needs a file from the network for its specification.
SMALL = (
    "pytest-dev__pytest-7220,pytest-dev__pytest-8365,pytest-dev__pytest-7373,"
    "sphinx-doc__sphinx-11445,sphinx-doc__sphinx-10325,sympy__sympy-21847"
)
NAMESPACE = "solve-speed"  # not swebench: nobody else may take these images for the published ones
SHIM = """
mkdir -p /opt/miniconda3/bin
echo 'conda() { :; }' >/opt/miniconda3/bin/activate
git config --system --add safe.directory '*'
"""
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1"}


def named(row: Row) -> str:
    return f"{NAMESPACE}/sweb.eval.x86_64.{row.task.id.lower().replace('__', '_1776_')}:latest"


def ours(rows: list[tuple[Row, Place]], jobs: int) -> tuple[float, dict[str, bool], dict[str, float]]:
    """Wall seconds until the last container is gone, verdicts, seconds by stage."""
    places = {row.task.id: place for row, place in rows}
    grader = Grader(lambda row: places[row.task.id], lambda image, task: DockerSandbox(image), None)
    began = time.monotonic()
    after = [(row, row.answer.patch) for row, _ in rows[jobs:]] + [None] * jobs  # as `solve score` does
    with ThreadPoolExecutor(jobs) as pool:
        graded = list(pool.map(lambda row, later: grader.grade(row[0], row[0].answer.patch, later), rows, after))
    grader.close()
    wall = time.monotonic() - began
    stages = {stage: round(sum(found.seconds[stage] for found in graded), 2) for stage in STAGES}
    return wall, {row.task.id: found.score.resolved for (row, _), found in zip(rows, graded, strict=True)}, stages


def theirs(rows: list[tuple[Row, Place]], jobs: int, folder: Path) -> tuple[float, dict[str, bool]]:
    """Wall seconds and verdicts of swebench's own `run_instance`, in a scratch folder: it writes its logs there."""
    from swebench.harness.run_evaluation import run_instance
    from swebench.harness.test_spec.test_spec import make_test_spec

    client = docker.from_env()
    tags = []
    for row, place in rows:
        bake(place.image.ref, named(row), [Step("shim", SHIM)], {**place.image.env, **OFFLINE}, WORKDIR)
        tags.append(named(row))
    specs = [(row, make_test_spec(fields(row, flaky=False), namespace=NAMESPACE)) for row, _ in rows]

    def one(pair: tuple[Row, object]) -> tuple[str, bool]:
        row, spec = pair
        prediction = {
            "instance_id": row.task.id,
            "model_name_or_path": "gold",
            "model_patch": row.answer.patch.decode(),
        }
        found = run_instance(spec, prediction, False, False, client, f"speed-{os.getpid()}", 1800)
        return row.task.id, found["resolved"]

    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(sys.stderr):
            began = time.monotonic()
            with ThreadPoolExecutor(jobs) as pool:
                verdicts = dict(pool.map(one, specs))
            return time.monotonic() - began, verdicts
    finally:
        for tag in tags:
            client.images.remove(tag, force=True)
        client.close()


def main(rows_file: str, mirrors: str, jobs: int = 1, ids: str = SMALL) -> int:
    options = Options(rows_file, ids, "", "", None, Path(mirrors), "solve/python:{python}", jobs, None, True)
    rows = [(row, place_row(row, options)) for row in open_suite(options).rows]
    with tempfile.TemporaryDirectory(prefix="solve-speed-") as folder:
        their_seconds, their_verdicts = theirs(rows, jobs, Path(folder))
    our_seconds, our_verdicts, stages = ours(rows, jobs)
    found = {
        "rows": len(rows),
        "jobs": jobs,
        "load": round(os.getloadavg()[0], 1),
        "swebench_seconds": round(their_seconds, 1),
        "our_seconds": round(our_seconds, 1),
        "ratio": round(our_seconds / their_seconds, 3),
        "our_stages": stages,
        "our_seconds_a_row_without_tests": round((jobs * our_seconds - stages["tests"]) / len(rows), 2),
        "same_verdicts": our_verdicts == their_verdicts,
        "verdicts": {name: [our_verdicts[name], their_verdicts[name]] for name in our_verdicts},
    }
    print(json.dumps(found, indent=2))
    return 0 if found["same_verdicts"] else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(given[0], given[1], *(int(given[2]),) if len(given) > 2 else (), *given[3:4]))
