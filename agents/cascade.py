"""A cascade: stages tried in turn, cheapest first; the next only where the harness does not say solved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tasks.event import Event
from tasks.solvers import Site, Solver
from tasks.task import Attempt, Cost, Task

Solved = Callable[[Task, Site, Attempt], bool]


@dataclass(frozen=True)
class CascadeSolver:
    """`solved` runs the tests on an attempt's patch: the harness's verdict, never a model's."""

    name: str
    stages: Sequence[Solver]
    solved: Solved

    def solve(self, task: Task, site: Site) -> Attempt:
        attempts: list[Attempt] = []
        for number, stage in enumerate(self.stages, 1):
            site.tell(Event("plan", f"stage {number} of {len(self.stages)}: {stage.name}"))
            attempt = stage.solve(task, replace(site, folder=site.folder / f"{number}-{stage.name}"))
            attempts.append(attempt)
            good = bool(attempt.patch) and self.solved(task, site, attempt)
            site.tell(Event("test", _said(stage.name, attempt, good), data=_row(stage.name, attempt.cost, good)))
            if good or attempt.ended in ("over_budget", "infra_error"):
                return self._all(attempts, len(attempts) - 1)
        # Nothing is solved: the last stage that has a patch is the strongest that has one.
        last = [place for place, attempt in enumerate(attempts) if attempt.patch]
        return self._all(attempts, last[-1] if last else len(attempts) - 1)

    def _all(self, attempts: Sequence[Attempt], chosen: int) -> Attempt:
        costs = [f"{stage.name}: {money(a.cost)}" for stage, a in zip(self.stages, attempts, strict=False)]
        reason = "; ".join(filter(None, [attempts[chosen].reason, ", ".join(costs)]))
        return replace(attempts[chosen], cost=total([attempt.cost for attempt in attempts]), reason=reason)


def total(costs: Sequence[Cost]) -> Cost:
    """Dollars are unknown as soon as one of them is."""
    dollars = [cost.dollars for cost in costs]
    return Cost(
        sum(cost.calls for cost in costs),
        sum(cost.tokens_in for cost in costs),
        sum(cost.tokens_cached for cost in costs),
        sum(cost.tokens_out for cost in costs),
        None if None in dollars else sum(value for value in dollars if value is not None),
        sum(cost.seconds for cost in costs),
    )


def money(cost: Cost) -> str:
    price = "price unknown" if cost.dollars is None else f"${cost.dollars:.4f}"
    return f"{cost.calls} calls, {cost.tokens_in + cost.tokens_out} tokens, {price}, {cost.seconds:.0f} s"


def _said(name: str, attempt: Attempt, good: bool) -> str:
    return f"{name}: {'solved' if good else attempt.ended} ({money(attempt.cost)})"


def _row(name: str, cost: Cost, good: bool) -> dict[str, object]:
    return {"stage": name, "solved": good, "calls": cost.calls, "dollars": cost.dollars, "seconds": cost.seconds}
