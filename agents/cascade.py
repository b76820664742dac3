"""A cascade: stages tried in turn, cheapest first; the next only where the harness does not say verified.

Where a stage leaves several patches that its tests do not tell apart, a model chooses: one call, in place of trust in
their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tasks.event import Event
from tasks.solvers import Site, Solver
from tasks.task import Attempt, Cost, Task, total

CHOICES = 6  # patches of one stage that are chosen among


class Chooser(Protocol):
    @property
    def name(self) -> str: ...

    def choose(self, task: Task, site: Site, patches: Sequence[bytes]) -> tuple[int, Cost]:
        """The place of the best patch, and what it cost to ask; the first where nobody can say."""
        ...


@dataclass(frozen=True)
class CascadeSolver:
    """`chooser`: the first stage that can choose among patches; None where no stage can."""

    name: str
    stages: Sequence[Solver]
    chooser: Chooser | None = None

    def solve(self, task: Task, site: Site) -> Attempt:
        attempts: list[Attempt] = []
        for number, stage in enumerate(self.stages, 1):
            site.tell(Event("plan", f"stage {number} of {len(self.stages)}: {stage.name}"))
            attempt = stage.solve(task, replace(site, folder=site.folder / f"{number}-{stage.name}"))
            good = bool(attempt.patch) and site.verdict(attempt).verdict == "verified"
            if good and attempt.others:
                attempt = self._chosen(task, site, attempt)
            attempts.append(attempt)
            site = replace(site, suspicion=attempt.suspicion or site.suspicion)
            site.tell(Event("test", _said(stage.name, attempt, good), data=_row(stage.name, attempt.cost, good)))
            if good or attempt.ended in ("over_budget", "infra_error"):
                return self._all(attempts, len(attempts) - 1)
        # Nothing is solved: the last stage that has a patch is the strongest that has one.
        last = [place for place, attempt in enumerate(attempts) if attempt.patch]
        return self._all(attempts, last[-1] if last else len(attempts) - 1)

    def _chosen(self, task: Task, site: Site, attempt: Attempt) -> Attempt:
        """The attempt with the patch that the chooser takes, if the harness verifies that one too."""
        if self.chooser is None:
            return attempt
        patches = (attempt.patch, *attempt.others)[:CHOICES]
        place, cost = self.chooser.choose(task, replace(site, folder=site.folder / "choice"), patches)
        chosen = replace(attempt, patch=patches[place], cost=total([attempt.cost, cost]))
        good = place == 0 or site.verdict(chosen).verdict == "verified"
        said = f"{self.chooser.name} takes number {place + 1} of {len(patches)} patches that pass"
        site.tell(Event("review", said if good else f"{said}, which does not pass for the harness"))
        return chosen if good else replace(attempt, cost=chosen.cost)

    def _all(self, attempts: Sequence[Attempt], chosen: int) -> Attempt:
        costs = [f"{stage.name}: {money(a.cost)}" for stage, a in zip(self.stages, attempts, strict=False)]
        reason = "; ".join(filter(None, [attempts[chosen].reason, ", ".join(costs)]))
        return replace(attempts[chosen], cost=total([attempt.cost for attempt in attempts]), reason=reason)


def money(cost: Cost) -> str:
    price = "price unknown" if cost.dollars is None else f"${cost.dollars:.4f}"
    return f"{cost.calls} calls, {cost.tokens_in + cost.tokens_out} tokens, {price}, {cost.seconds:.0f} s"


def _said(name: str, attempt: Attempt, good: bool) -> str:
    return f"{name}: {'verified' if good else attempt.ended} ({money(attempt.cost)})"


def _row(name: str, cost: Cost, good: bool) -> dict[str, object]:
    return {"stage": name, "verified": good, "calls": cost.calls, "dollars": cost.dollars, "seconds": cost.seconds}
