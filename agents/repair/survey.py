"""What the survey saw → what edits are made of: suspicion, types, clues (pure)."""

from collections.abc import Mapping, Sequence

from agents.repair.candidates import Findings
from agents.repair.clues import clues
from agents.repair.observed import Frame, Test
from agents.repair.scope import Observed, Types
from agents.repair.source import Source
from agents.repair.suspicion import Line, normalised, ochiai


def findings(rows: Sequence[object], showing: Sequence[str], sources: Mapping[str, Source]) -> Findings:
    tests = [row for row in rows if isinstance(row, Test)]
    failing = [row for row in tests if row.id in showing and row.status != "passed"]
    passing = [row for row in tests if row.id not in showing and row.status == "passed"]
    scores = ochiai([_lines(row, sources) for row in failing], [_lines(row, sources) for row in passing])
    frames = [row for row in rows if isinstance(row, Frame) and row.path in sources]
    return Findings(normalised(scores), _observed(frames), clues(row.message for row in failing))


def _lines(test: Test, sources: Mapping[str, Source]) -> frozenset[Line]:
    return frozenset((path, line) for path, lines in test.lines.items() if path in sources for line in lines)


def _observed(frames: Sequence[Frame]) -> dict[str, dict[tuple[int, str], Observed]]:
    variables: dict[tuple[str, int, str], dict[str, Types]] = {}
    attributes: dict[tuple[str, int, str], dict[str, dict[str, Types]]] = {}
    for frame in frames:
        key = frame.path, frame.line, frame.name
        types = variables.setdefault(key, {})
        owned = attributes.setdefault(key, {})
        for name, (kind, fields) in frame.variables.items():
            types[name] = types.get(name, frozenset()) | {kind}
            mine = owned.setdefault(name, {})
            for field_name, field_kind in fields.items():
                mine[field_name] = mine.get(field_name, frozenset()) | {field_kind}
    found: dict[str, dict[tuple[int, str], Observed]] = {}
    for (path, line, name), types in variables.items():
        found.setdefault(path, {})[line, name] = Observed(types, attributes[path, line, name])
    return found
