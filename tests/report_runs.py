"""Results of imagined runs, for the tests of reports."""

from tasks.results import Result

# AutoCodeRover on SWE-bench Lite: by how many of three runs each of 300 tasks was resolved (54, 57, 57 in all).
ONCE, TWICE, THRICE = 25, 16, 37


def autocoderover(solver: str = "autocoderover") -> list[Result]:
    """Three runs of 300 tasks whose sums are the published ones."""
    rows = []
    for number in range(300):
        solved = solved_runs(number)
        rows += [result(solver, number, run, "resolved" if run in solved else "unresolved") for run in (1, 2, 3)]
    return rows


def solved_runs(number: int) -> set[int]:
    """Which runs resolved a task. Once: 2+11+12, twice (run 1 left out of few): 54, 57 and 57 in all."""
    if number < THRICE:
        return {1, 2, 3}
    if number < THRICE + TWICE:
        return ({1, 2}, {1, 3}, {2, 3})[(number - THRICE) % 3]
    if number < THRICE + TWICE + ONCE:
        place = number - THRICE - TWICE
        return {1} if place < 6 else {2} if place < 15 else {3}
    return set()


def result(solver: str, number: int, run: int = 1, outcome: str = "resolved", **more: object) -> Result:
    cause = {"resolved": "", "unresolved": "tests_failed", "tamper": "tamper", "infra_error": "infra"}[outcome]
    fields = {
        "instance_id": f"org__calc-{number:03d}",
        "model_name_or_path": solver,
        "model_patch": f"--- a/calc.py\n+++ b/calc.py\n@@ -1 +1 @@\n-old {number}\n+new {number}\n",
        "run": run,
        "suite": "5u17e",
        "outcome": outcome,
        "cause": cause,
    }
    return Result.model_validate(fields | more)
