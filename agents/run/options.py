"""What `solve run` was asked, as it stands in `run.json`, so that a run can go on from its folder alone."""

import math
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.api import BadInput
from sandbox.origin import without_login
from tasks.rundir import earlier

WHERE = frozenset({"out", "as_json"})  # how to show it and where to put it
# What another value of gives no other question: where code runs, what may be spent, who is asked, what is done then.
AROUND = frozenset({"sandbox", "mirrors", "dollars", "allow_unpriced", "seconds", "approve", "apply", "branch"})


class Options(BaseModel):
    """The command line of `solve run`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repo: str
    issue: str
    commit: str | None = None
    model: str = "repair"
    base_url: str = ""
    sandbox: Literal["docker", "bubblewrap", "local"] | None = None
    test_command: str | None = None
    python: str | None = None
    dollars: Decimal | None = None
    allow_unpriced: bool = False
    seconds: float = 1800.0  # that the solver may take, once the base runs are done
    attempts: int = 1
    keep_test: bool = True
    approve: str = ""
    mirrors: Path | None = None
    apply: bool = False
    branch: str | None = None
    out: Path | None = None
    as_json: bool = False

    def asked(self) -> dict[str, Any]:
        """JSON values, from which `of_run` makes the same options again, but for a login in an address."""
        here = Path(self.repo)
        repo = str(here.resolve()) if here.exists() else without_login(self.repo)
        return {**self.model_dump(mode="json", exclude=set(WHERE)), "repo": repo}

    def question(self) -> dict[str, Any]:
        """The part of `asked` that decides what a model is asked: a run's folder goes on only with the same."""
        return {name: value for name, value in self.asked().items() if name not in AROUND}

    @classmethod
    def of_run(cls, folder: Path, *, as_json: bool) -> Self:
        """What the run in this folder was asked.

        Raises:
            BadInput: it is no run's folder.
        """
        row = earlier(folder)
        if row is None:
            raise BadInput(f"{folder} is no run's folder: it has no readable run.json")
        try:
            return cls.model_validate({**row, "out": str(folder), "as_json": as_json})
        except ValidationError as error:
            raise BadInput(f"{folder / 'run.json'} was not written by this version of solve") from error


def dollars(budget: float | None) -> Decimal | None:
    """What `--budget` holds; raises BadInput for what cannot be held."""
    if budget is None:
        return None
    if not (math.isfinite(budget) and budget > 0):
        raise BadInput(f"a budget of {budget} dollars cannot be held: give a number above zero with --budget")
    return Decimal(str(budget))
