"""Where the words of a mined row come from: the issue that its commit names, a model, or what its author wrote."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from agents.issue_writer import write_issue
from agents.run.brain import open_brain
from agents.trouble import ModelError
from sandbox.api import BadInput, NetworkUnavailable
from sandbox.origin import OWNER_NAME
from sandbox.redact import redactor
from tasks.issue import read_issue
from tasks.limits import OverBudget
from tasks.mine.candidate import Candidate
from tasks.mine.history import references
from tasks.row import Row
from tasks.task import Issue

Words = Callable[[Candidate, Row], Issue]
MOST = 3  # references of one message that are looked up


@contextmanager
def words_of(
    model: str, budget: float | None, rows: int, repository: str, tell: Callable[[str], None]
) -> Iterator[Words]:
    """With a model its words, marked so; else the issue or pull request that the message names, where `repository` is
    OWNER/NAME on GitHub and it answers; else the author's own words.

    Raises:
        BadInput: no such model, no key, no price for the budget.
    """
    forge = (
        Forge(repository, tell) if OWNER_NAME.fullmatch(repository) and not os.environ.get("SOLVE_OFFLINE") else None
    )

    def plain(candidate: Candidate, row: Row) -> Issue:
        return (forge.issue(candidate.issue) if forge else None) or candidate.issue

    if not model:
        yield plain
        return
    clean = redactor(os.environ)
    with open_brain(model, "", budget, rows) as brain:

        def written(candidate: Candidate, row: Row) -> Issue:
            said = plain(candidate, row)
            tests = list(row.answer.fail_to_pass)
            try:
                found = write_issue(brain, said.text(), tests, row.answer.patch.decode("utf-8", "replace"), clean)
            except (ModelError, OverBudget) as problem:
                tell(f"{candidate.id}: its words stay as they are: {problem}")
                return said
            return Issue(found.title, found.body, source=f"model {model}, from the {said.source}")

        yield written


@dataclass
class Forge:
    """Issues and pull requests of one repository on GitHub. Where it does not answer once, it is not asked again."""

    repository: str
    tell: Callable[[str], None]
    silent: bool = False
    _known: dict[int, Issue | None] = field(default_factory=dict)

    def issue(self, said: Issue) -> Issue | None:
        for number in references(said.text())[:MOST]:
            if number not in self._known:
                self._known[number] = self._fetched(number)
            if (found := self._known[number]) is not None:
                return found
        return None

    def _fetched(self, number: int) -> Issue | None:
        if self.silent:
            return None
        address = f"https://github.com/{self.repository}/issues/{number}"
        try:
            found = read_issue(address, stdin=None, environment=os.environ)
        except NetworkUnavailable as problem:
            self.silent = True
            self.tell(f"issues are not looked up, the commits' own words stand: {problem}")
            return None
        except BadInput:  # no such issue, or a private one
            return None
        return replace(found, comments=(), source="linked issue")  # what followed may tell the answer
