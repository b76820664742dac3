"""The fitted weights of the signals, and which rows they were fitted on.

`weights.json` is written by `solve index fit`. Beside the weights that everyone uses it holds those fitted without each
tenth of the rows, so that an evaluation can score every row by weights that never saw it.
"""

import importlib.resources
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FOLDS = 10


class Linear(BaseModel):
    """Signal → weight, for files and for units. A unit's `file` is its file's score."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: dict[str, float]
    unit: dict[str, float]


class Fold(BaseModel):
    """Weights fitted on all rows but these."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    without: tuple[str, ...]
    weights: Linear


class Weights(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    about: str  # from what, by what, when
    weights: Linear
    folds: tuple[Fold, ...] = ()

    def for_row(self, instance: str) -> Linear:
        """Weights that never saw this row."""
        return next((fold.weights for fold in self.folds if instance in fold.without), self.weights)


@cache
def shipped() -> Weights:
    return Weights.model_validate_json((importlib.resources.files("agents.index") / "weights.json").read_text())


def read_weights(path: Path) -> Weights:
    return Weights.model_validate_json(path.read_text())
