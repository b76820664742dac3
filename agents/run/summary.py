"""What a grading run came to: outcomes, where the time went, agreement with published verdicts."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tasks.results import Result

STAGES = ("start", "apply", "tests", "around", "stop")  # as `tasks.evaluate.Stopwatch` has them


def summary_json(folder: Path, results: Sequence[Result]) -> dict[str, object]:
    """The object that `--json` prints."""
    return {
        "run": str(folder),
        "attempts": len(results),
        "resolved": sum(result.resolved for result in results),
        "outcomes": dict(Counter(result.outcome for result in results).most_common()),
        "causes": dict(Counter(result.cause or "resolved" for result in results).most_common()),
        "flagged": sum(bool(result.flagged) for result in results),
        "resolved_and_flagged": sum(result.resolved and bool(result.flagged) for result in results),
        "cached": sum(result.cached for result in results),
        "seconds": stage_seconds(results),
        "agreement": agreement(results),
        "disagreements": [shown(result) for result in results if disagrees(result)],
    }


def summary_table(folder: Path, results: Sequence[Result]) -> None:
    """The same for a person, on standard output."""
    console = Console(soft_wrap=True)
    table = Table(title="outcomes", title_justify="left", box=None, pad_edge=False, header_style="dim")
    for name in ("solver", "attempts", "resolved", "unresolved", "tamper", "infra_error", "flagged"):
        table.add_column(name, justify="left" if name == "solver" else "right")
    by_solver: defaultdict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_solver[result.model_name_or_path].append(result)
    for solver, rows in by_solver.items():
        counts = Counter(row.outcome for row in rows)
        numbers = [len(rows), *(counts[name] for name in ("resolved", "unresolved", "tamper", "infra_error"))]
        table.add_row(solver, *map(str, numbers), str(sum(bool(row.flagged) for row in rows)))
    console.print(table)
    console.print(times(results))
    if agreed := agreement(results):
        console.print(
            f"\nagreement with published verdicts: {agreed['agree']} of {agreed['compared']} "
            f"({agreed['both_resolved']} resolved by both, {agreed['both_not']} by neither)",
            highlight=False,
        )
        for result in filter(disagrees, results):
            console.print("  " + shown(result), markup=False, highlight=False)
    for result in results:
        if result.outcome in ("infra_error", "tamper"):
            console.print(f"{result.outcome}: {result.instance_id}: {result.reason}", markup=False, highlight=False)
    console.print(f"\neverything is in {folder}; compare runs with: solve report {folder}", highlight=False)


def times(results: Sequence[Result]) -> Table:
    """Where the time went, by stage."""
    spent = stage_seconds(results)
    graded = sum(not result.cached and bool(result.grading) for result in results)
    table = Table(title="\nwhere the time went", title_justify="left", box=None, pad_edge=False, header_style="dim")
    for name in ("stage", "seconds", "a row", "share"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    total = sum(spent.values()) or 1.0
    for stage, seconds in spent.items():
        table.add_row(stage, f"{seconds:.1f}", f"{seconds / max(1, graded):.2f}", f"{100 * seconds / total:.0f}%")
    return table


def stage_seconds(results: Sequence[Result]) -> dict[str, float]:
    fresh = [result for result in results if not result.cached]
    return {stage: round(sum(result.grading.get(stage, 0.0) for result in fresh), 2) for stage in STAGES}


def agreement(results: Sequence[Result]) -> dict[str, int]:
    """Against the verdicts that came with the predictions, where any did and the machine did not fail."""
    compared = [row for row in results if row.published is not None and row.outcome != "infra_error"]
    if not compared:
        return {}
    return {
        "compared": len(compared),
        "agree": sum(row.published == row.resolved for row in compared),
        "both_resolved": sum(bool(row.published) and row.resolved for row in compared),
        "both_not": sum(not row.published and not row.resolved for row in compared),
    }


def disagrees(result: Result) -> bool:
    return result.published is not None and result.outcome != "infra_error" and result.published != result.resolved


def shown(result: Result) -> str:
    published = "resolved" if result.published else "not resolved"
    return (
        f"{result.instance_id} {result.model_name_or_path} #{result.run}: published {published}, "
        f"here {result.outcome} ({result.cause or 'all tests pass'}) {result.reason}"
    ).rstrip()
