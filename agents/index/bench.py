"""What the index costs, against a raw tree-sitter parse of the same files in the same run.

Every figure is measured `repeat` times, one after the other with the parse, and reported as a median. CPU seconds are
user and system time of all processes; the parse's exclude the reading of the files. Each stage is a process of its own
(`python -m agents.index.bench STAGE ...`), because a process begins with its parent's peak of memory.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agents.index.index import Index
from agents.index.languages import LANGUAGES, grammar, language_of
from agents.index.rank import rank
from agents.index.skipping import skip_content, skip_path
from agents.index.tree import Entry, Tree, blob_id, open_tree

CHANGED = 30  # files of the next commit
PROGRAM = "from agents.run.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Cost:
    cpu: float  # seconds
    wall: float
    peak: float = 0.0  # megabytes of the largest process; 0 where it was not measured


class ChangedTree:
    """A tree whose `CHANGED` files, spread evenly, each have a line more."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._data: dict[str, bytes] = {}
        code = [entry for entry in tree.entries if language_of(entry.path) in LANGUAGES and not skip_path(entry)]
        chosen = code[:: max(1, len(code) // CHANGED)][:CHANGED]
        for entry, data in tree.read(chosen):
            self._data[entry.path] = data + b"\n"
        self.entries = [
            entry._replace(blob=blob_id(self._data[entry.path])) if entry.path in self._data else entry
            for entry in tree.entries
        ]

    def read(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        for entry in entries:
            if entry.path in self._data:
                yield entry, self._data[entry.path]
            else:
                yield from self._tree.read([entry])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def bench(repos: Sequence[Path], revision: str, issue: str, repeat: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """All rows, by name; `ratio` is CPU to the parse's CPU, `wall_ratio` wall to the parse's wall. Of several
    repositories the sums, and the largest peak."""
    rows: dict[str, list[Cost]] = {}
    size: Counter[str] = Counter()
    for number in range(repeat):
        tell(f"round {number + 1} of {repeat}")
        found: dict[str, list[Cost]] = {}
        size.clear()
        for repo in repos:
            with tempfile.TemporaryDirectory() as folder:
                size.update(_round(Path(folder), repo, revision, issue, found))
        for name, costs in found.items():
            rows.setdefault(name, []).append(_sum(costs))
    medians = {name: _median(costs) for name, costs in rows.items()}
    base = medians["raw parse"]
    return {
        **size,
        "repeat": repeat,
        "processors": len(os.sched_getaffinity(0)),
        "rows": {
            name: {
                "cpu_s": round(cost.cpu, 3),
                "wall_s": round(cost.wall, 3),
                "ratio": round(cost.cpu / base.cpu, 3),
                "wall_ratio": round(cost.wall / base.wall, 3),
                "peak_mb": round(cost.peak),
            }
            for name, cost in medians.items()
        },
    }


def _round(folder: Path, repo: Path, revision: str, issue: str, rows: dict[str, list[Cost]]) -> dict[str, int]:
    """Measure everything once, into `rows`; how much there is to parse."""
    arguments = ["--repo", str(repo), *(["--commit", revision] if revision else []), "--json"]
    text = folder / "issue.txt"
    text.write_text(issue)
    stages = {
        "raw parse": ["-m", "agents.index.bench", "parse", str(repo), revision],
        "cold index": ["-c", PROGRAM, "index", "build", *arguments],
        "nothing changed": ["-c", PROGRAM, "index", "build", *arguments],
        "query, cold process": ["-c", PROGRAM, "index", "query", *arguments, "--issue", str(text)],
        "warm": ["-m", "agents.index.bench", "warm", str(repo), revision, str(text)],
    }
    size: dict[str, int] = {}
    for name, stage in stages.items():
        cost, said = _child(stage, folder)
        if "costs" not in said:
            rows.setdefault(name, []).append(cost)
            continue
        size |= said["size"]
        for inner, (cpu, wall) in said["costs"].items():
            rows.setdefault(inner, []).append(Cost(cpu, wall, cost.peak))
    return size


def parse_stage(repo: Path, revision: str) -> dict[str, Any]:
    with open_tree(repo, revision) as tree:
        wanted = [entry for entry in tree.entries if language_of(entry.path) in LANGUAGES and not skip_path(entry)]
        sources = [(language_of(entry.path), data) for entry, data in tree.read(wanted) if not skip_content(data)]
    texts = [data for _, data in sources]
    size = {"files": len(texts), "bytes": sum(map(len, texts)), "lines": sum(data.count(b"\n") for data in texts)}
    return {"size": size, "costs": {"raw parse": measured(lambda: parse_all(sources))}}


def warm_stage(repo: Path, revision: str, issue: str) -> dict[str, Any]:
    (store,) = Path(os.environ["SOLVE_CACHE_DIR"]).glob("index/*.sqlite")
    with Index(store) as index, index.open_tree(repo, revision) as tree:
        snapshot = index.build_tree(tree)
        rank(snapshot, issue)
        query = measured(lambda: rank(snapshot, issue))
        changed = ChangedTree(tree)
        listed = measured(lambda: index.open_tree(repo, revision))
        built = measured(lambda: index.build_tree(changed))
    commit = (listed[0] + built[0], listed[1] + built[1])
    return {"size": {}, "costs": {"query, warm process": query, f"next commit, {CHANGED} files": commit}}


def parse_all(sources: Sequence[tuple[str, bytes]]) -> None:
    """Parse everything, keep nothing."""
    import tree_sitter

    parsers = {name: tree_sitter.Parser(grammar(name)) for name in {language for language, _ in sources}}
    for language, data in sources:
        parsers[language].parse(data)


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of this process and of children that ended meanwhile."""
    cpu, start = _cpu(), time.monotonic()
    work()
    return _cpu() - cpu, time.monotonic() - start


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _child(arguments: list[str], cache: Path) -> tuple[Cost, dict[str, Any]]:
    """What a stage cost as a whole, and what it printed."""
    environment = {**os.environ, "SOLVE_CACHE_DIR": str(cache)}
    start = time.monotonic()
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, env=environment)
    assert child.stdout
    said = json.loads(child.stdout.read())
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if child.returncode:
        raise RuntimeError(f"the stage {arguments[2]} ended with status {child.returncode}")
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss / 1024), said


def _sum(costs: list[Cost]) -> Cost:
    return Cost(sum(cost.cpu for cost in costs), sum(cost.wall for cost in costs), max(cost.peak for cost in costs))


def _median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("cpu", "wall", "peak")))


def main(stage: str, repo: str, revision: str, issue: str = "") -> None:
    path = Path(repo)
    found = parse_stage(path, revision) if stage == "parse" else warm_stage(path, revision, Path(issue).read_text())
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
