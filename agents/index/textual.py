"""Signals from words: how well files and units answer the words of an issue."""

import numpy as np

from agents.index.arrays import Floats
from agents.index.bm25 import bm25
from agents.index.mentions import Mentions
from agents.index.snapshot import Snapshot
from agents.index.words import STEM_MARK

PARTS = ("title", "lead", "prose", "code", "body")  # of an issue, each scored by its words and by its stems


def normal(values: Floats) -> Floats:
    """Values as shares of the largest."""
    top = float(values.max(initial=0.0))
    return values / top if top > 0 else values


def best_of_file(snapshot: Snapshot, of_units: Floats) -> Floats:
    best = np.zeros(len(snapshot.paths))
    np.maximum.at(best, snapshot.unit_file, of_units)
    return best


def textual_signals(snapshot: Snapshot, mentions: Mentions) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Signals over files and over units. `<part>` and `<part>~` are BM25 by words and by stems; over files also
    `<part>^`, the best unit's; `name ...` counts the words of definitions' names only; `path ...` those of paths."""
    queries = {part: _only(getattr(mentions, part), stems=False) for part in PARTS}
    queries |= {f"{part}{STEM_MARK}": _only(getattr(mentions, part), stems=True) for part in PARTS}
    scope = snapshot.candidates
    scores = bm25(snapshot, list(queries.values()), scope, "text", snapshot.length)
    files: dict[str, Floats] = {}
    units: dict[str, Floats] = {}
    for number, part in enumerate(queries):
        units[part] = normal(scores.unit[number])
        files[part] = normal(scores.file[number])
        files[f"{part}^"] = normal(best_of_file(snapshot, scores.unit[number]))
    named = [queries[f"{part}{STEM_MARK}"] for part in ("title", "body")]
    scores = bm25(snapshot, named, scope, "name", snapshot.name_parts)
    for number, part in enumerate(("title", "body")):
        units[f"name {part}"] = normal(scores.unit[number])
        files[f"name {part}"] = normal(best_of_file(snapshot, scores.unit[number]))
    return files | _path_signals(snapshot, mentions), units


def _only(form_weights: dict[str, float], *, stems: bool) -> dict[str, float]:
    return {form: weight for form, weight in form_weights.items() if form.startswith(STEM_MARK) == stems}


def _path_signals(snapshot: Snapshot, mentions: Mentions) -> dict[str, Floats]:
    """Words of the path that stand in the title; words of the file's own name that stand anywhere."""
    names = snapshot.namespace
    in_title, in_body = np.zeros(len(snapshot.paths)), np.zeros(len(snapshot.paths))
    for form, (of_name, of_folder) in names.path_words.items():
        if form in mentions.title:
            in_title[of_name + of_folder] += names.path_weight(form)
        if form in mentions.body:
            in_body[of_name] += names.path_weight(form)
    return {"path title": normal(in_title), "path body": normal(in_body)}
