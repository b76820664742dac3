"""How many real bugs the repair engine mends: commits of known repositories that mend one function (`realbugs.json`).

    python tests/bench/realbugs.py --mirrors DIR [--part report|develop] [--out FOLDER] [--seconds S] [COMMIT ...]

DIR holds bare mirrors as OWNER/NAME.git. The engine sees the tree of a commit with the one file as it was before, and
which tests of the commit fail on it; it runs as it does in the product, by `RepairSolver`, in bubblewrap: known code is
unknown code after an edit, and one of a program that removes its temporary file removed a program of the machine. Each
result is a line of FOLDER/results.jsonl, and what the same engine has done there is not done again: a measurement that
was stopped goes on.

Found: a patch after which all tests of the commit's test files pass that pass with the commit itself. Right: the
delivered program is the commit's own, layout, comments and docstrings aside; or a person has read the patch and says so
in `realbugs.json`. What nobody has read counts as not right. CPU seconds are counted as in `quixbugs.py`, until the
search ended; seconds are wall time to the answer.
"""

import argparse
import functools
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from realbugs_site import COMMAND, Bug, Repository, environment, git_of, image, load, plain, report, tree, unmended

from agents import repair
from agents.repair.solver import RepairSolver
from sandbox import open_sandbox
from sandbox.testlog import TestReport
from tasks.event import silent
from tasks.limits import Budget
from tasks.solvers import Site
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Verdict

ENGINE = Path(repair.__file__).parent


@dataclass(frozen=True)
class Result:
    repository: str
    commit: str
    title: str
    engine: str  # digest of its code
    found: bool
    place: int  # of the commit's own program among the patches delivered and offered; 0: it is not among them
    plausible: int
    tried: int
    edits: int
    seconds: float  # wall
    cpu: float
    reason: str
    diff: str

    def right(self, read: Mapping[str, str]) -> str:
        """equal (to the commit's own), right, unread, or why it is not right; empty where nothing was found."""
        if not self.found:
            return ""
        return "equal" if self.place == 1 else read.get(digest(self.diff), "unread")


def solve(bug: Bug, repository: Repository, options: argparse.Namespace) -> Result:
    venv = environment(repository, options.environments)
    with tempfile.TemporaryDirectory(prefix="realbugs-") as scratch, git_of(bug.repository, options.mirrors) as git:
        mended, buggy = Path(scratch, "mended"), Path(scratch, "buggy")
        for folder in (mended, buggy):
            folder.mkdir()
        tree(git, bug.commit, mended / "tree")
        unmended(git, bug.commit, bug.source, buggy / "tree")
        names = report(image(mended, venv), bug.tests).ids("passed")
        built = image(buggy, venv)
        before = report(built, bug.tests)
        known = {name: case for name, case in before.cases.items() if name in names}
        site = Site(
            open=lambda: open_sandbox(built),
            tree=buggy / "tree",
            patch=lambda files: b"".join(data or b"" for data in files.values()),
            baseline=TestReport(before.command, before.exit_code, before.seconds, known),
            showing=bug.showing,
            test_command=COMMAND,
            budget=Budget(),
            tell=silent,
            offer=lambda _: None,
            verdict=lambda attempt: Verdict("unreproduced", "not asked for"),
            folder=Path(scratch, "run"),
        )
        started, worked = time.monotonic(), time.process_time()
        attempt = RepairSolver(options.seconds).solve(Task(bug.commit, bug.repository, "", Issue(bug.title, "")), site)
        spent = time.monotonic() - started, time.process_time() - worked
        record = Path(scratch, "run", "repair.json")
        written = json.loads(record.read_text()) if record.exists() else {}
        return _result(bug, attempt, written, spent, (mended / "tree" / bug.source).read_bytes())


def _result(bug: Bug, attempt: Attempt, record: Mapping[str, Any], spent: tuple[float, float], wanted: bytes) -> Result:
    found = attempt.ended == "patched"
    search = record.get("search") or {}
    delivered = [attempt.patch, *attempt.others] if found else []
    alike = [number for number, data in enumerate(delivered, start=1) if plain(data) == plain(wanted)]
    return Result(
        repository=bug.repository,
        commit=bug.commit,
        title=bug.title,
        engine=engine(),
        found=found,
        place=alike[0] if alike else 0,
        plausible=len(record.get("plausible", [])),
        tried=search.get("tried", 0),
        edits=record.get("edits", 0),
        seconds=round(spent[0], 1),
        cpu=round(spent[1] + search.get("cpu", record.get("survey_cpu", 0.0)), 1),
        reason=attempt.reason,
        diff=record["plausible"][0]["diff"] if found else "",
    )


@functools.cache
def engine() -> str:
    """What tells two states of the engine apart. Asked at the start: the files may change while this runs."""
    code = b"".join(path.read_bytes() for path in sorted(ENGINE.rglob("*.py")))
    return hashlib.sha256(code).hexdigest()[:12]


def digest(diff: str) -> str:
    return hashlib.sha256(diff.encode()).hexdigest()[:12]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mirrors", type=Path, required=True, metavar="DIR")
    parser.add_argument("--environments", type=Path, default=Path("runs/realbugs"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("runs/accept-realbugs"), metavar="FOLDER")
    parser.add_argument("--part", choices=("report", "develop"), default="report")
    parser.add_argument("--seconds", type=float, default=60.0, help="wall seconds a bug")
    parser.add_argument("commits", nargs="*", metavar="COMMIT", help="beginnings of commits' names")
    options = parser.parse_args()
    listed = load()
    known = {item.name: item for item in listed.repositories if item.part == options.part}
    ledger = Ledger(options.out / "results.jsonl")
    results = []
    for bug in listed.bugs:
        wanted = not options.commits or any(bug.commit.startswith(name) for name in options.commits)
        if bug.repository in known and wanted:
            result = ledger.known(bug.commit) or ledger.add(solve(bug, known[bug.repository], options))
            results.append(result)
            print(_line(result, listed.read), flush=True)
    if not results:
        print("realbugs.json has no such bug: run realbugs_mine.py, or name another commit", file=sys.stderr)
        return 2
    print("\n".join(table(results, listed.read)))
    print(json.dumps(summary(results, listed.read)))
    return 0


class Ledger:
    """Results as lines of a file. Those of another engine stay, and are not looked at."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text() if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a kill may have cut the last line short
        if whole != text:
            path.write_text(whole)
        rows = [Result(**json.loads(line)) for line in whole.splitlines()]
        self._path = path
        self._known = {row.commit: row for row in rows if row.engine == engine()}

    def known(self, commit: str) -> Result | None:
        return self._known.get(commit)

    def add(self, result: Result) -> Result:
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
        return result


def summary(results: list[Result], read: Mapping[str, str]) -> dict[str, float]:
    missed = [item for item in results if not item.found]
    said = [item.right(read) for item in results]
    return {
        "bugs": len(results),
        "found": sum(item.found for item in results),
        "right": said.count("equal") + said.count("right"),
        "equal": said.count("equal"),
        "unread": said.count("unread"),
        "median_seconds": statistics.median(item.seconds for item in results),
        "median_cpu": statistics.median(item.cpu for item in results),
        "median_seconds_of_a_no": statistics.median([item.seconds for item in missed] or [0.0]),
        "median_cpu_of_a_no": statistics.median([item.cpu for item in missed] or [0.0]),
    }


def table(results: list[Result], read: Mapping[str, str]) -> list[str]:
    """For docs/repair.md."""
    lines = ["| repository | commit | found | right | edits tried | seconds | CPU s |", "|---|---|---|---|---|---|---|"]
    for item in results:
        right = item.right(read) or "-"
        numbers = f"{item.tried} | {item.seconds:.1f} | {item.cpu:.1f}"
        lines.append(
            f"| {item.repository} | {item.commit[:8]} | {'yes' if item.found else 'no'} | {right} | {numbers} |"
        )
    return lines


def _line(item: Result, read: Mapping[str, str]) -> str:
    changed = [line for line in item.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    head = f"{item.repository.partition('/')[2][:14]:14} {item.commit[:8]} {item.title[:50]:50}"
    numbers = (
        f"{item.plausible:3} plausible {item.tried:5}/{item.edits:5} tried {item.seconds:5.1f} s {item.cpu:5.1f} CPU s"
    )
    if not item.found:
        return f"{head} NOT FOUND  {numbers}  {item.reason}"
    ours = f"{item.right(read)} [{digest(item.diff)}]" + (f" (the fix is number {item.place})" if item.place else "")
    return f"{head} FOUND      {numbers}  {ours}\n    {item.reason}\n    " + "\n    ".join(changed)


if __name__ == "__main__":
    sys.exit(main())
