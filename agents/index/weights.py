"""The fitted weights of the signals, and which rows they were fitted on.

`weights.json` is written by `solve index fit`. Beside the weights that everyone uses it holds those fitted without each
tenth of the rows, so that an evaluation can score every row by weights that never saw it.
"""

import importlib.resources
import json
from dataclasses import asdict, dataclass
from functools import cache

FOLDS = 10


@dataclass(frozen=True, slots=True)
class Linear:
    """Signal → weight, for files and for units. A unit's `file` is its file's score."""

    file: dict[str, float]
    unit: dict[str, float]


@dataclass(frozen=True, slots=True)
class Fold:
    """Weights fitted on all rows but these."""

    without: tuple[str, ...]
    weights: Linear


@dataclass(frozen=True, slots=True)
class Weights:
    about: str  # from what, by what, when
    weights: Linear
    folds: tuple[Fold, ...] = ()

    def for_row(self, instance: str) -> Linear:
        """Weights that never saw this row."""
        return next((fold.weights for fold in self.folds if instance in fold.without), self.weights)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Weights":
        found = json.loads(text)
        folds = (Fold(tuple(fold["without"]), Linear(**fold["weights"])) for fold in found["folds"])
        return cls(found["about"], Linear(**found["weights"]), tuple(folds))


@cache
def shipped() -> Weights:
    """The weights that come with the program. (No pydantic: it takes as long to import as a query may last.)"""
    return Weights.from_json((importlib.resources.files("agents.index") / "weights.json").read_text())
