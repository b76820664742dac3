"""The lines of a ledger → where each attempt stands (pure)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.api import BadInput
from tasks.causes import Early
from tasks.collector import no_collector
from tasks.ledger import FILE as LEDGER
from tasks.ledger import Key, Line, State, read
from tasks.results import Result, Results


@dataclass(slots=True)
class Standing:
    """One attempt. `fields` is what is known of its `Result`, from all its lines together."""

    state: State
    tries: int = 0  # over all starts of the batch
    early: Early | None = None  # of the try that failed last
    reason: str = ""
    last: bool = False  # it failed as often as one start tries
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Nothing is left to do, in this start or any other."""
        return self.state == "graded"

    @property
    def begun(self) -> bool:
        """Its solver was started, and nothing says how that ended."""
        return self.state == "solving"

    @property
    def solved(self) -> bool:
        """Its patch is known, and waits for its verdict."""
        return "model_patch" in self.fields and not self.done

    def result(self) -> Result | None:
        """What a leaderboard shows: a verdict, or the machine's failure that was the last; else nothing yet."""
        if self.done:
            return Result.model_validate({"model_patch": "", **self.fields})
        if self.state == "failed" and self.last:
            return Result.model_validate({"model_patch": "", **self.fields, "early": self.early, "reason": self.reason})
        return None


@dataclass(slots=True)
class History:
    """What a batch came to so far."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    standings: dict[Key, Standing] = field(default_factory=dict)
    superseded: list[tuple[str, float]] = field(default_factory=list)  # model, dollars: results that were made anew

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "History":
        history = cls()
        with no_collector():
            for line in lines:
                history.take(line)
        return history

    def take(self, line: Line) -> Standing:
        """Where the line leaves its attempt."""
        if line.state == "planned":
            self.plan = line.result
            return Standing("planned")
        known = self.standings.get(line.key)
        if known is None:
            known = self.standings[line.key] = Standing("planned")
        if line.state == "solving":
            if known.done:
                self.superseded.append((line.key[1], float(known.fields.get("dollars") or 0.0)))
            known.fields = {}
        known.state, known.tries = line.state, line.attempt
        known.early, known.reason, known.last = line.early, line.reason, line.last
        known.fields = {**known.fields, **line.result} if known.fields else dict(line.result)
        return known

    def results(self) -> list[Result]:
        """Of every attempt that has one, in the order in which they began."""
        with no_collector():
            return [found for standing in self.standings.values() if (found := standing.result()) is not None]

    def spent(self, without: Collection[Key] = ()) -> dict[str, float]:
        """Dollars by model, of all attempts but some; where a price is unknown nothing is added."""
        total: dict[str, float] = {}
        for key, standing in self.standings.items():
            model = key[1]
            if key not in without:
                total[model] = total.get(model, 0.0) + float(standing.fields.get("dollars") or 0.0)
        for model, dollars in self.superseded:
            total[model] = total.get(model, 0.0) + dollars
        return total


def read_runs(folders: Iterable[Path]) -> list[Result]:
    """The results of several runs, as far as they are; they may be running.

    Raises:
        BadInput: a folder has none, or its ledger is damaged.
    """
    rows: list[Result] = []
    for folder in {folder.resolve(): folder for folder in folders}.values():  # one that is named twice counts once
        found = ledger_results(folder) if (folder / LEDGER).exists() else Results(folder).read()
        if not found:
            raise BadInput(f"{folder} has no results: name a folder that `solve bench` or `solve score` wrote")
        rows += found
    return rows


def ledger_results(folder: Path) -> list[Result]:
    found = read(folder)
    if found.damage:
        raise BadInput(
            f"{folder / LEDGER} is damaged in line {found.damage[0].number}: `solve bench --salvage` mends it"
        )
    return History.of(found.lines).results()
