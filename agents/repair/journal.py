"""The record of one search: a small JSON file in the solver's folder."""

import difflib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.repair.candidates import Proposal
from agents.repair.edits import apply
from agents.repair.rank import Ranked
from agents.repair.source import Source
from agents.repair.suspicion import Line
from tasks.rundir import replaced

MOST = 50


def diff(source: Source, proposal: Proposal) -> str:
    """A unified diff, for people."""
    before = source.data.decode().splitlines(keepends=True)
    after = apply(source.data, [proposal.edit]).decode().splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after, f"a/{source.path}", f"b/{source.path}"))


def write(
    folder: Path,
    sources: Mapping[str, Source],
    suspicion: Mapping[Line, float],
    proposals: Sequence[Proposal],
    plausible: Sequence[Ranked],
    numbers: Mapping[str, object],
) -> Path:
    """Write `repair.json`: numbers, suspicious lines, how many edits of which operator, the plausible ones."""
    lines = sorted(suspicion.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    record = {
        **numbers,
        "suspicious": [{"path": path, "line": line, "score": round(score, 3)} for (path, line), score in lines],
        "operators": dict(Counter(proposal.operator for proposal in proposals).most_common()),
        "plausible": [
            {
                "rank": rank,
                "operator": item.proposal.operator,
                "path": item.proposal.path,
                "line": item.proposal.line,
                "cost": round(item.proposal.cost, 3),
                "score": round(item.score, 3),
                "doubts": list(item.doubts),
                "same": item.like,
                "diff": diff(sources[item.proposal.path], item.proposal),
            }
            for rank, item in enumerate(plausible[:MOST], start=1)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    return replaced(folder / "repair.json", json.dumps(record, indent=2).encode() + b"\n")
