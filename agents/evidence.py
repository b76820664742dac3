"""What test runs say, as text for a prompt and as a rank among candidates (pure)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.testlog import TestCase, TestReport, file_name
from sandbox.testrun import selects

NAMED = 12  # failing tests that are named
BEFORE = 6  # of those that fail on the base, and of the files run there: `test` says of each what it did there
MESSAGES = 3  # of which this many with what they said
LINES = 30  # of one message


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the harness saw of a candidate: the showing tests and the guarding ones, run in a fresh sandbox."""

    fixed: tuple[str, ...]  # showing tests that pass
    failing: tuple[str, ...]  # showing tests that do not
    regressed: tuple[str, ...]  # passed on the base, do not pass now
    text: str  # the same for a model, with what the failing ones said
    statuses: Mapping[str, str]  # of every test that ran: candidates with the same ones behave alike

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Evidence":
        fixed, failing, regressed = (tuple(row[name]) for name in ("fixed", "failing", "regressed"))
        return cls(fixed, failing, regressed, row["text"], row["statuses"])

    @property
    def good(self) -> bool:
        """Nothing speaks against it: what shows the issue passes, and nothing that passed before fails."""
        return not self.failing and not self.regressed

    @property
    def rank(self) -> tuple[int, int, int]:
        """Higher is better: shown first, then nothing broken, then how many shown."""
        return (bool(self.fixed) and not self.failing, -len(self.regressed), len(self.fixed))


def weigh(baseline: TestReport, showing: Collection[str], report: TestReport, asked: Collection[str] = ()) -> Evidence:
    """`asked`: test files that were to run; one of them that gave no result has lost all that passed in it."""
    passed = report.ids("passed")
    fixed = tuple(sorted(set(showing) & passed))
    failing = tuple(sorted(set(showing) - passed))
    ran = {file_name(name) for name in report.cases} | set(asked)
    # A guard counts where its file ran; of a run that came to nothing, or of a runner that always runs all, all count.
    every = bool(report.problem) or not selects(baseline.command)
    guards = {name for name in baseline.ids("passed") - set(showing) if every or file_name(name) in ran}
    regressed = tuple(sorted(guards - passed))
    text = "\n".join(_told(baseline, fixed, failing, regressed, len(guards), report))
    statuses = {name: case.status for name, case in sorted(report.cases.items())}
    return Evidence(fixed, failing, regressed, text, statuses)


def _told(
    baseline: TestReport,
    fixed: Collection[str],
    failing: Collection[str],
    regressed: Collection[str],
    guards: int,
    report: TestReport,
) -> Iterable[str]:
    if report.problem:
        yield f"The tests could not be run to their end: {report.problem}"
    if report.problem or (report.log and regressed):
        yield _tail(report.log)
    if fixed or failing:
        yield f"Tests that show the issue: {len(fixed)} pass, {len(failing)} fail."
    yield f"Tests that passed before any edit: {guards}, of which {len(regressed)} fail now."
    yield from _failures(report, [*failing, *regressed])
    known = report.ids("failed", "error") & baseline.ids("failed", "error") - set(failing)
    if known:
        yield f"{len(known)} others fail as they did before any edit."


def describe(report: TestReport, baseline: TestReport, showing: Collection[str] = ()) -> str:
    """One run of chosen tests, for the model that asked for it. No timings: the same run gives the same text.

    That the tests of `showing` failed before is no news.
    """
    if report.problem and not report.cases:
        return f"the tests could not be run: {report.problem}\n{_tail(report.log)}"
    counts = ", ".join(
        f"{len(report.ids(status))} {status}"
        for status in ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
        if report.ids(status)
    )
    before = baseline.ids("failed", "error")
    failing = sorted(report.ids("failed", "error"))
    lines = [counts or "no tests ran"]
    lines += [f"problem: {report.problem}"] if report.problem else []
    lines += _failures(report, sorted(failing, key=lambda name: name in before))
    old = [name for name in failing if name in before and name not in showing]
    lines += [f"failed before any edit too: {', '.join(old[:NAMED])}"] if old else []
    return "\n".join(lines)


def failing_before(baseline: TestReport, showing: Collection[str], selection: Collection[str] = ()) -> str:
    """Which tests fail on the base, in one paragraph, the first by name; of `selection`, where only that was run."""
    if not baseline.usable:
        return "No test was run yet: which of them fail on the base is not known."
    where = f"Of {_first(selection)} (the rest of the suite was not run): " if selection else ""
    failing = sorted(baseline.ids("failed", "error") - set(showing))
    if not failing:
        return f"{where}Apart from tests that show the issue, no test fails on the base."
    return f"{where}{len(failing)} tests fail on the base and are not your concern: {_first(failing)}."


def _first(names: Collection[str]) -> str:
    more = f" and {len(names) - BEFORE} more" if len(names) > BEFORE else ""
    return f"{', '.join([*names][:BEFORE])}{more}"


def _failures(report: TestReport, names: Iterable[str]) -> Iterable[str]:
    chosen = list(names)
    for number, name in enumerate(chosen[:NAMED]):
        case = report.cases.get(name, TestCase(name, "error", message="did not run"))
        yield f"{case.status}: {name}"
        if number < MESSAGES and case.message:
            yield _tail(case.message)
    if len(chosen) > NAMED:
        yield f"and {len(chosen) - NAMED} more"


def _tail(text: str) -> str:
    return "\n".join(f"    {line[:300]}" for line in text.strip().splitlines()[-LINES:])
