"""Issue text → ranked files and symbols, each with its reasons."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.index.arrays import Floats, Ints
from agents.index.graph import HOME
from agents.index.signals import Signals, signals
from agents.index.snapshot import Snapshot
from agents.index.spectrum import Line
from agents.index.weights import Linear, shipped

MOST_FILES = 100
MOST_SYMBOLS = 200
MOST_REASONS = 3
NOTABLE = 0.1  # of the score: a smaller lift is no reason
LEAST = 1e-12  # share of a unit that nothing speaks for
RAN = {"ran": 3.0}  # weight of what failing tests ran; not fitted: the rows that weights come from have no such tests
LABELS = {
    "title": "words of the title",
    "lead": "words of the first lines",
    "prose": "words of the prose",
    "code": "words of the code in the issue",
    "body": "words of the issue",
    "name": "names made of the issue's words",
    "path": "its path",
    "trace": "in the traceback",
    "defines": "defines what the issue names",
    "called": "the issue calls it",
    "class": "of a class the issue names",
    "both": "class and method are named",
    "near": "close by calls to what fits",
    "file": "its file",
    "ran": "failing tests run it",
}


@dataclass(frozen=True, slots=True)
class RankedFile:
    path: str
    score: float  # share of belief, 0..1; over all files it sums to 1
    why: tuple[str, ...]  # strongest first


@dataclass(frozen=True, slots=True)
class RankedSymbol:
    path: str
    name: str  # Class.method
    kind: str
    line: int  # from 1; `last` inclusive
    last: int
    score: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Best first. Files are code that is no test; symbols are their functions, methods and classes."""

    files: tuple[RankedFile, ...]
    symbols: tuple[RankedSymbol, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores over the candidates of `signals`, and the candidates from best to worst."""

    signals: Signals
    of_file: Floats
    of_unit: Floats
    by_calls: Floats  # what the walk over calls has added to each unit's score
    files: Ints
    units: Ints


def score(found: Signals, weights: Linear) -> Scored:
    whole = weights.file | RAN
    of_file = found.file_matrix([*whole]) @ np.array([*whole.values()])
    own = {name: weight for name, weight in weights.unit.items() if name != "file"} | RAN
    of_unit = found.unit_matrix([*own]) @ np.array([*own.values()])
    if len(of_file):
        of_unit = of_unit + weights.unit["file"] * (of_file - of_file.max())[found.file_of_unit]
    shares = np.zeros(found.graph.size)
    shares[found.units] = _shares(of_unit)
    walked = np.log(found.graph.walk(shares)[found.units] + LEAST)
    by_calls = walked - np.log(HOME * shares[found.units] + LEAST)
    return Scored(found, of_file, walked, by_calls, _best_first(of_file), _best_first(walked))


def rank(
    snapshot: Snapshot, issue: str, weights: Linear | None = None, suspicion: Mapping[Line, float] | None = None
) -> Ranking:
    """Rank a snapshot's code for an issue, whose first line is its title.

    `suspicion`: where failing tests were watched, how much each line that they ran is theirs alone, 0 to 1.
    """
    weights = weights or shipped().weights
    if not snapshot.candidates.any():
        return Ranking((), ())
    scored = score(signals(snapshot, issue, suspicion), weights)
    found = scored.signals
    file_shares, unit_shares = _shares(scored.of_file), _shares(scored.of_unit)
    best_files, best_units = scored.files[:MOST_FILES], scored.units[:MOST_SYMBOLS]
    of_file = _reasons(found.of_file, weights.file | RAN, best_files)
    of_unit = _reasons(found.of_unit, weights.unit | RAN, best_units, {LABELS["near"]: scored.by_calls[best_units]})
    files = [
        RankedFile(
            snapshot.paths[found.files[place]],
            float(file_shares[place]),
            (*_defined(snapshot, found, int(found.files[place])), *why),
        )
        for place, why in zip(best_files.tolist(), of_file, strict=True)
    ]
    symbols = [
        _symbol(snapshot, int(found.units[place]), float(unit_shares[place]), why)
        for place, why in zip(best_units.tolist(), of_unit, strict=True)
    ]
    return Ranking(tuple(files), tuple(symbols))


def _symbol(snapshot: Snapshot, unit: int, share: float, why: tuple[str, ...]) -> RankedSymbol:
    return RankedSymbol(
        snapshot.paths[snapshot.unit_file[unit]],
        snapshot.qualified(unit),
        snapshot.kind_name(unit),
        int(snapshot.line[unit]),
        int(snapshot.last[unit]),
        share,
        why,
    )


def _best_first(scores: Floats) -> Ints:
    return np.argsort(-scores, kind="stable")


def _shares(scores: Floats) -> Floats:
    powers: Floats = np.exp(scores - scores.max(initial=-np.inf))
    shares: Floats = powers / powers.sum()
    return shares


def _reasons(
    signals: dict[str, Floats], weights: dict[str, float], places: Ints, known: dict[str, Floats] | None = None
) -> list[tuple[str, ...]]:
    """What lifts each of the candidates at `places` above the mean of all, strongest first; `known` are other lifts."""
    lifts = dict(known or {})
    for name, weight in weights.items():
        label = LABELS.get(name.split(" ")[0].rstrip("~^"))
        if label and name in signals:
            lift = weight * (signals[name][places] - signals[name].mean())
            lifts[label] = lifts[label] + lift if label in lifts else lift
    labels, values = [*lifts], np.stack([*lifts.values()])
    best = np.argsort(-values, axis=0, kind="stable")[:MOST_REASONS].T.tolist()
    return [tuple(labels[row] for row in rows if values[row, column] > NOTABLE) for column, rows in enumerate(best)]


def _defined(snapshot: Snapshot, found: Signals, file: int) -> tuple[str, ...]:
    """The names of the issue that a file defines, those that look like code first."""
    named = found.mentions.identifiers
    units = range(snapshot.file_start[file], snapshot.file_start[file + 1])
    names = {snapshot.names[unit] for unit in units if named.get(snapshot.names[unit], 0.0) >= 0.5}
    first = sorted(names, key=lambda name: (-named[name], name))[:MOST_REASONS]
    return (f"defines {', '.join(first)}",) if first else ()
