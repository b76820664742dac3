"""`Answer` and the evidence of one graded run → `Score` (pure).

The field's rule: every fail-to-pass and every pass-to-pass test must pass. Ours is stricter where that rule was fooled:
a fail-to-pass test must have *passed* (an expected failure or a skip is no fix unless the answer's own run says so),
and a run that claims success must also have failed where it had to: at the canary, a test that cannot pass.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sandbox.testlog import Status
from tasks.task import Answer

Outcome = Literal["resolved", "unresolved", "tamper", "infra_error"]
Cause = Literal[
    "",  # resolved
    "empty_patch",
    "patch_apply_failed",
    "timeout",
    "crashed",  # the tests did not come to their end
    "tests_failed",  # a fail-to-pass test does not pass
    "regression",  # all of them pass, but a pass-to-pass test does not
    "tamper",
    "infra",
]
Applied = Literal["git apply", "patch --fuzz", "not at all", "nothing to apply"]
Canary = Literal["failed", "passed", "missing", "none"]  # none: this runner has no place for one
Statuses = Mapping[str, Status]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came out of one fresh sandbox."""

    applied: Applied
    dropped: tuple[str, ...] = ()  # paths of the patch that stood as on the base: they steer or are the tests
    strayed: tuple[str, ...] = ()  # such paths that changed nevertheless: the patch's headers lie
    statuses: Statuses = field(default_factory=dict)  # by the dataset's names
    exit_code: int = 0  # attested by the engine
    finished: bool = False  # the runner came to its end, as far as can be seen
    problem: str = ""  # why the run cannot be used; the machine's fault never comes here
    timed_out: bool = False
    canary: Canary = "none"
    seconds: Mapping[str, float] = field(default_factory=dict)  # by stage
    log: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    outcome: Outcome
    cause: Cause = ""
    reason: str = ""  # one line a person can act on
    flagged: tuple[str, ...] = ()  # a mark, not an outcome
    dropped: tuple[str, ...] = ()
    applied: Applied = "nothing to apply"
    fail_to_pass: Statuses = field(default_factory=dict)  # "missing" tests are left out
    not_kept: tuple[str, ...] = ()  # pass-to-pass tests that do not pass

    @property
    def resolved(self) -> bool:
        return self.outcome == "resolved"


def needs_gold(answer: Answer, evidence: Evidence) -> bool:
    """Whether the answer's own run decides: all tests are fine but for some that were skipped or expected to fail."""
    odd = _not_passed((*answer.fail_to_pass, *answer.pass_to_pass), evidence.statuses)
    return bool(odd) and all(evidence.statuses.get(name) in ("skipped", "xfailed") for name in odd)


def score(answer: Answer, evidence: Evidence, flagged: tuple[str, ...] = (), gold: Evidence | None = None) -> Score:
    """The outcome of one attempt. `gold` is the evidence of the answer's own patch, where `needs_gold`."""
    expected = gold.statuses if gold else {}
    broken = _not_passed(answer.fail_to_pass, evidence.statuses, expected)
    lost = _not_passed(answer.pass_to_pass, evidence.statuses, expected)
    outcome, cause, reason = _outcome(evidence, broken, lost)
    return Score(
        outcome,
        cause,
        reason,
        flagged,
        evidence.dropped,
        evidence.applied,
        {name: evidence.statuses[name] for name in answer.fail_to_pass if name in evidence.statuses},
        tuple(lost),
    )


def _outcome(evidence: Evidence, broken: Collection[str], lost: Collection[str]) -> tuple[Outcome, Cause, str]:
    lie = _lie(evidence, claims=bool(evidence.statuses) and not broken and not lost)
    if lie:
        return "tamper", "tamper", lie
    if evidence.applied == "not at all":
        return "unresolved", "patch_apply_failed", evidence.problem or "the patch does not apply"
    if evidence.timed_out:
        return "unresolved", "timeout", evidence.problem
    if evidence.problem or not evidence.finished:
        return "unresolved", "crashed", evidence.problem or "the tests did not come to their end"
    if broken:
        return "unresolved", "tests_failed", _some(broken, evidence.statuses)
    if lost:
        return "unresolved", "regression", _some(lost, evidence.statuses)
    return "resolved", "", ""


def _lie(evidence: Evidence, *, claims: bool) -> str:
    """What in the run contradicts it. Evidence, not suspicion: a broken patch may lose the canary, but then it does
    not claim that every test passes."""
    if evidence.strayed:
        return f"the patch's headers disagree: it changed {evidence.strayed[0]}, which it does not name"
    if evidence.canary == "none":
        return ""
    if claims and evidence.canary != "failed":
        return f"every test is said to pass, but the one that cannot is {evidence.canary}"
    if claims and evidence.exit_code != 1:
        return f"every test is said to pass, but the run that must fail ended with status {evidence.exit_code}"
    if evidence.exit_code == 0 and evidence.statuses:
        return "the run ended with status 0 though one test of it cannot pass"
    return ""


def _not_passed(names: Collection[str], statuses: Statuses, expected: Statuses | None = None) -> list[str]:
    """The tests that neither passed nor ended as the answer's own run says they must."""
    allowed = expected or {}
    return [
        name
        for name in names
        if statuses.get(name) != "passed"
        and not (statuses.get(name) in ("skipped", "xfailed") and statuses.get(name) == allowed.get(name))
    ]


def _some(names: Collection[str], statuses: Statuses) -> str:
    first = next(iter(names))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{first} {statuses.get(first, 'did not run')}{more}"
