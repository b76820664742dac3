"""Fit the weights: softmax regression over each row's candidates, with an L2 penalty, by Newton's method.

The loss of a row is the cross-entropy between the softmax of its candidates' scores and the uniform distribution over
its gold candidates (the listwise loss of Cao et al. 2007, top one).
"""

from dataclasses import dataclass

import numpy as np

from agents.index.arrays import Floats, Ints, Mask
from agents.index.signals import Signals
from agents.index.textual import PARTS
from agents.index.weights import FOLDS, Fold, Linear, Weights

FILE_SIGNALS = [
    *(f"{part}{kind}" for part in PARTS for kind in ("", "~", "^", "~^")),
    *("name title", "name body", "path title", "path body", "path named", "defines code", "trace"),
]
UNIT_SIGNALS = [
    *(f"{part}{kind}" for part in PARTS for kind in ("", "~")),
    *("name title", "name body", "defines", "defines title", "called", "class defines", "both define", "trace", "size"),
]
FILE_PENALTY = 8.0
UNIT_PENALTY = 3.0
NEAR_FILES = 20  # files whose units all are candidates while fitting
NEAR_UNITS = 200


@dataclass(frozen=True, slots=True)
class Example:
    """One row: its signals, and which candidates are gold."""

    instance: str
    repository: str
    signals: Signals
    gold_files: Mask
    gold_units: Mask
    files: int  # gold files and units, those that are no candidates included
    units: int
    cpu: float  # seconds that the signals took


def fit(examples: list[Example], about: str, parts: int = FOLDS) -> Weights:
    """Weights from all examples, and from all but each of so many parts."""
    order = sorted(examples, key=lambda example: example.instance)
    folds = []
    for number in range(parts if len(order) >= parts else 0):
        without = order[number::parts]
        rest = [example for example in order if example not in without]
        folds.append(Fold(without=tuple(example.instance for example in without), weights=fit_linear(rest)))
    return Weights(about=about, weights=fit_linear(order), folds=tuple(folds))


def fit_linear(
    examples: list[Example], file_names: list[str] = FILE_SIGNALS, unit_names: list[str] = UNIT_SIGNALS
) -> Linear:
    files = [(example.signals.file_matrix(file_names), example.gold_files) for example in examples]
    of_file = softmax_regression([row for row in files if row[1].any()], FILE_PENALTY)
    units = []
    for example, (matrix, _) in zip(examples, files, strict=True):
        if example.gold_units.any():
            scores = matrix @ of_file
            chosen = _near(example, scores)
            columns = example.signals.unit_matrix(unit_names)[chosen]
            of_their_file = (scores - scores.max())[example.signals.file_of_unit[chosen], None]
            units.append((np.hstack([columns, of_their_file]), example.gold_units[chosen]))
    of_unit = softmax_regression(units, UNIT_PENALTY)
    return Linear(
        file={name: round(float(weight), 4) for name, weight in zip(file_names, of_file, strict=True)},
        unit={name: round(float(weight), 4) for name, weight in zip([*unit_names, "file"], of_unit, strict=True)},
    )


def _near(example: Example, file_scores: Floats) -> Ints:
    """Gold units, those of the best files, and those that fit the words best: the others hardly add to a softmax."""
    best_files = np.zeros(len(file_scores), np.bool_)
    best_files[np.argsort(-file_scores, kind="stable")[:NEAR_FILES]] = True
    by_words = example.signals.of_unit["body~"] + example.signals.of_unit["title~"]
    chosen = best_files[example.signals.file_of_unit] | example.gold_units
    chosen[np.argsort(-by_words, kind="stable")[:NEAR_UNITS]] = True
    return np.flatnonzero(chosen)


def softmax_regression(examples: list[tuple[Floats, Mask]], penalty: float) -> Floats:
    """Weights that minimise the sum of the rows' losses and `penalty / 2 * |w|²`."""
    rows: list[tuple[Floats, Floats]] = [(matrix, gold / gold.sum()) for matrix, gold in examples]
    weights = np.zeros(rows[0][0].shape[1])
    loss = _loss(rows, weights, penalty)
    for _ in range(60):
        gradient, curvature = penalty * weights, penalty * np.eye(len(weights))
        for matrix, target in rows:
            share = _softmax(matrix @ weights)
            mean = share @ matrix
            gradient = gradient + mean - target @ matrix
            curvature = curvature + (matrix.T * share) @ matrix - np.outer(mean, mean)
        step, length = np.linalg.solve(curvature, gradient), 1.0
        while (new := _loss(rows, weights - length * step, penalty)) > loss and length > 1e-6:
            length /= 2
        if loss - new < 1e-6:
            break
        weights, loss = weights - length * step, new
    return weights


def _softmax(scores: Floats) -> Floats:
    powers: Floats = np.exp(scores - scores.max())
    share: Floats = powers / powers.sum()
    return share


def _loss(rows: list[tuple[Floats, Floats]], weights: Floats, penalty: float) -> float:
    total = penalty / 2 * float(weights @ weights)
    for matrix, target in rows:
        scores = matrix @ weights
        top = scores.max()
        total += float(top + np.log(np.exp(scores - top).sum()) - target @ scores)
    return total
