"""What people took, beside what tests say was resolved: labels, fates of pull requests, and how far the two agree."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.api import BadInput
from tasks import stats
from tasks.labels import Key, Label, key_of
from tasks.results import Result
from tasks.stats import Interval

# Of a pull request; what is still open says nothing yet.
TAKEN = {"merged_as_is": True, "merged_after_edits": True, "merged": True, "closed": False, "reverted": False}


class Pull(BaseModel):
    """A line of the file that `solve bot outcomes` writes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    repository: str
    issue: int
    pull: int
    fate: str
    edited_lines: int | None = None


@dataclass(frozen=True, slots=True)
class People:
    """What people said, by attempt and by issue."""

    labels: Mapping[Key, Sequence[Label]] = field(default_factory=dict)
    pulls: Mapping[str, Pull] = field(default_factory=dict)  # by the form that row ids have: owner__name-12

    def accepted(self, result: Result) -> bool | None:
        """A label decides, by majority; else what became of the pull request; None where nobody has said."""
        said = [label.verdict for label in self.labels.get(key_of(result), ()) if label.verdict != "unsure"]
        balance = said.count("accept") - said.count("reject")
        if said:
            return balance > 0 if balance else None
        pull = self.pulls.get(result.instance_id.lower())
        return TAKEN.get(pull.fate) if pull else None

    def columns(self, result: Result) -> dict[str, object]:
        """What `solve report --sql` has of them beside an attempt."""
        labels, pull = self.labels.get(key_of(result), ()), self.pulls.get(result.instance_id.lower())
        return {
            "label": labels[-1].verdict if labels else None,
            "label_tags": [tag for label in labels for tag in label.tags],
            "label_note": labels[-1].note if labels else None,
            "labelled_by": [label.by for label in labels],
            "pull": pull.pull if pull else None,
            "pull_fate": pull.fate if pull else None,
            "pull_edited_lines": pull.edited_lines if pull else None,
            "accepted": self.accepted(result),
        }


def people(labels: Iterable[Label], pulls: Iterable[Pull] = ()) -> People:
    found: dict[Key, list[Label]] = {}
    for label in labels:
        found.setdefault(label.key, []).append(label)
    return People(found, {issue_id(pull.repository, pull.issue): pull for pull in pulls})


def issue_id(repository: str, issue: int) -> str:
    return f"{re.sub('/', '__', repository)}-{issue}".lower()


def read_pulls(path: Path) -> list[Pull]:
    """Raises BadInput: it cannot be read, or a line is not what `solve bot outcomes` writes."""
    try:
        lines = path.read_text("utf-8").splitlines()
        return [Pull.model_validate(json.loads(line)) for line in lines if line.strip()]
    except OSError as error:
        raise BadInput(f"cannot read {path} ({error.strerror})") from error
    except (ValidationError, ValueError) as problem:
        raise BadInput(f"{path} is not what `solve bot outcomes` writes: {str(problem).splitlines()[0]}") from None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two yes-or-no judgements of the same attempts: `yes` and `no` are those on which both agree."""

    yes: int
    no: int
    only_first: int
    only_second: int

    @property
    def total(self) -> int:
        return self.yes + self.no + self.only_first + self.only_second

    @property
    def share(self) -> float:
        return (self.yes + self.no) / self.total

    @property
    def kappa(self) -> float:
        """Cohen's: agreement beyond chance; nan where one of the two always says the same (Cohen 1960)."""
        return stats.kappa(self.yes, self.only_first, self.only_second, self.no)


def agreement(pairs: Iterable[tuple[bool, bool]]) -> Agreement | None:
    """None where there is no pair (pure)."""
    found = list(pairs)
    if not found:
        return None
    return Agreement(*(found.count(kind) for kind in ((True, True), (False, False), (True, False), (False, True))))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Of one solver's attempts, those that people judged."""

    judged: int
    accepted: int
    interval: Interval  # Wilson
    with_tests: Agreement  # first: the tests say resolved; second: a person takes it


def acceptance(results: Iterable[Result], said: People) -> Acceptance | None:
    """None where people judged none of them; what a machine failed is not counted (pure)."""
    pairs = [
        (result.resolved, taken)
        for result in results
        if result.outcome != "infra_error" and (taken := said.accepted(result)) is not None
    ]
    found = agreement(pairs)
    if found is None:
        return None
    accepted = found.yes + found.only_second
    return Acceptance(found.total, accepted, stats.wilson(accepted, found.total), found)
