"""Reports before and after → `Verdict` (pure). The harness decides, never the model.

`verified` asks for two things, both run by the harness in fresh sandboxes: at least one test that shows the issue
fails on the base and passes on the patch, and every test of the guarded scope that passed on the base still passes.
The base runs twice: a test that differs between its own runs is unstable, and neither shows nor guards anything.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sandbox.testlog import TestReport, is_named
from tasks.task import Author, Issue, TestFile

VerdictName = Literal["verified", "regressed", "unreproduced", "no_patch", "infra_error"]

AUTHORS: dict[Author, str] = {
    "repository": "of the repository",
    "issue": "that came with the issue",
    "example": "made from the issue's example",
    "model": "written by the model",
}


@dataclass(frozen=True, slots=True)
class Showing:
    """The tests that show the issue, frozen before the first edit."""

    ids: tuple[str, ...]
    author: Author
    named: bool = True  # False: failing tests of the repository, none of which the issue names


@dataclass(frozen=True, slots=True)
class Trial:
    """All that a verdict rests on."""

    patch: bytes
    showing: Showing
    scope: str  # which tests guard, in words: "the whole suite"
    base: tuple[TestReport, ...]  # runs of the base commit, two of them
    patched: tuple[TestReport, ...] = ()  # runs of the patch, two of them
    restored: tuple[str, ...] = ()  # paths of the patch that stood as on the base while the tests ran


@dataclass(frozen=True, slots=True)
class Verdict:
    verdict: VerdictName
    headline: str  # one sentence: what was shown, by whose test, and what was guarded
    author: Author | None = None  # who wrote the showing tests
    scope: str = ""
    fixed: tuple[str, ...] = ()  # showing tests that fail on the base and pass on the patch
    still_failing: tuple[str, ...] = ()  # showing tests that do not pass on the patch
    regressed: tuple[str, ...] = ()  # passed on the base, do not pass on the patch
    unstable: tuple[str, ...] = ()  # differed between runs of the same code: guard nothing
    guarded: int = 0  # tests that passed in every run of the base, without the showing ones
    restored: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def find_showing(base: Sequence[TestReport], tests: Sequence[TestFile], issue: Issue) -> Showing:
    """The tests that fail in every run of the base and show the issue.

    Where tests came with the task, only those count. Else it is the repository's own failing tests that the issue
    names, and if it names none, all that fail.
    """
    failing = sorted(frozenset.intersection(*(report.ids("failed", "error") for report in base)))
    if tests:
        paths = {test.path for test in tests}
        return Showing(tuple(name for name in failing if stands_in(name, paths)), tests[0].author)
    text = issue.text()
    named = [name for name in failing if is_named(name, text)]
    return Showing(tuple(named or failing), "repository", bool(named))


def stands_in(test: str, paths: set[str]) -> bool:
    """Whether a test id belongs to one of these files, wherever its runner's root is."""
    file = test.split("::")[0]
    return any(path == file or path.endswith("/" + file) for path in paths)


def judge(trial: Trial) -> Verdict:
    """The verdict on a trial whose base runs are usable."""
    if not trial.patch:
        return Verdict("no_patch", "no patch was found", scope=trial.scope)
    base_passes = [report.ids("passed") for report in trial.base]
    stable = frozenset.intersection(*base_passes)
    showing = frozenset(trial.showing.ids)
    guards = stable - showing
    patched_passes = [report.ids("passed") for report in trial.patched if report.usable]
    in_every_run = frozenset.intersection(*patched_passes) if patched_passes else frozenset()
    in_any_run = frozenset().union(*patched_passes)
    unstable = (frozenset().union(*base_passes) - stable) | ((in_any_run - in_every_run) & guards)
    regressed = guards - in_any_run
    fixed = showing & in_every_run
    name, headline = _headline(trial, len(fixed), len(regressed), len(guards))
    return Verdict(
        name,
        headline,
        trial.showing.author if showing else None,
        trial.scope,
        tuple(sorted(fixed)),
        tuple(sorted(showing - fixed)),
        tuple(sorted(regressed)),
        tuple(sorted(unstable)),
        len(guards),
        trial.restored,
    )


def _headline(trial: Trial, fixed: int, regressed: int, guards: int) -> tuple[VerdictName, str]:
    problem = next((report.problem for report in trial.patched if report.problem), "")
    guard = f"{guards - regressed} of {guards} tests that passed before still pass ({trial.scope})"
    if not any(".py::" in name for report in trial.base for name in report.cases):
        guard += "; this runner's report is not guarded against code that forges it"
    if trial.restored:
        guard += f"; as on the base while they ran: {', '.join(trial.restored[:3])}"
        guard += f" and {len(trial.restored) - 3} more paths" if len(trial.restored) > 3 else ""
    if problem:
        return "regressed", f"with the patch the tests gave no result that counts: {problem}"
    if regressed:
        return "regressed", guard
    if not trial.showing.ids:
        return "unreproduced", f"a patch, but no test that shows the issue; {guard}"
    author = AUTHORS[trial.showing.author] + ("" if trial.showing.named else " (the issue names none of them)")
    if not fixed:
        return "unreproduced", f"the {len(trial.showing.ids)} showing tests {author} still fail with the patch"
    return "verified", f"{fixed} of {len(trial.showing.ids)} showing tests {author} fail before and pass now; {guard}"
