"""How many real bugs the repair engine mends: commits of known repositories that mend one function (`realbugs.json`).

    python tests/bench/realbugs.py --mirrors DIR [--part report|develop] [--seconds S] [--json FILE] [COMMIT ...]

DIR holds bare mirrors as OWNER/NAME.git. The engine sees the tree of a commit with the one file as it was before, and
which tests of the commit fail on it; it runs as it does in the product, by `RepairSolver`, in a sandbox (local: no
isolation, for repositories that are known). Found: a patch after which all tests of the commit's test files pass that
pass with the commit itself. Right: the delivered program is the commit's own, layout, comments and docstrings aside; or
a person has read the patch and says so in `realbugs.json`. What nobody has read counts as not right.
"""

import argparse
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

from quixbugs_oracle import plain
from realbugs_site import COMMAND, Bug, Repository, environment, git_of, image, load, report, tree, unmended

from agents.repair.solver import RepairSolver
from sandbox.local import LocalSandbox
from sandbox.testlog import TestReport
from tasks.event import silent
from tasks.limits import Budget
from tasks.solvers import Site
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Verdict


@dataclass(frozen=True)
class Result:
    repository: str
    commit: str
    title: str
    showing: int
    found: bool
    right: str  # right, unread, or why it is not right; empty where nothing was found
    place: int  # of the commit's own program among the patches delivered and offered; 0: it is not among them
    plausible: int
    tried: int
    edits: int
    seconds: float  # wall
    cpu: float
    reason: str
    diff: str


def solve(bug: Bug, repository: Repository, options: argparse.Namespace, read: Mapping[str, str]) -> Result:
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
            open=lambda: LocalSandbox(built),
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
        return _result(bug, site, attempt, written, spent, (mended / "tree" / bug.source).read_bytes(), read)


def _result(
    bug: Bug,
    site: Site,
    attempt: Attempt,
    record: Mapping[str, Any],
    spent: tuple[float, float],
    wanted: bytes,
    read: Mapping[str, str],
) -> Result:
    found = attempt.ended == "patched"
    delivered = [attempt.patch, *attempt.others] if found else []
    alike = [number for number, data in enumerate(delivered, start=1) if plain(data) == plain(wanted)]
    diff = record["plausible"][0]["diff"] if found else ""
    right = "right" if alike[:1] == [1] else read.get(digest(diff), "unread") if found else ""
    search = record.get("search") or {}
    return Result(
        repository=bug.repository,
        commit=bug.commit,
        title=bug.title,
        showing=len(site.showing),
        found=found,
        right=right,
        place=alike[0] if alike else 0,
        plausible=len(record.get("plausible", [])),
        tried=search.get("tried", 0),
        edits=record.get("edits", 0),
        seconds=round(spent[0], 1),
        cpu=round(spent[1] + search.get("cpu", record.get("survey_cpu", 0.0)), 1),
        reason=attempt.reason,
        diff=diff,
    )


def digest(diff: str) -> str:
    return hashlib.sha256(diff.encode()).hexdigest()[:12]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mirrors", type=Path, required=True, metavar="DIR")
    parser.add_argument("--environments", type=Path, default=Path("runs/realbugs"), metavar="DIR")
    parser.add_argument("--part", choices=("report", "develop"), default="report")
    parser.add_argument("--seconds", type=float, default=60.0, help="wall seconds a bug")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("commits", nargs="*", metavar="COMMIT", help="beginnings of commits' names")
    options = parser.parse_args()
    listed = load()
    known = {item.name: item for item in listed.repositories if item.part == options.part}
    results = []
    for bug in listed.bugs:
        wanted = not options.commits or any(bug.commit.startswith(name) for name in options.commits)
        if bug.repository in known and wanted:
            results.append(solve(bug, known[bug.repository], options, listed.read))
            print(_line(results[-1]), flush=True)
    if not results:
        print("realbugs.json has no such bug: run realbugs_mine.py, or name another commit", file=sys.stderr)
        return 2
    print(json.dumps(summary(results)))
    if options.json:
        options.json.write_text(json.dumps([asdict(item) for item in results], indent=1) + "\n")
    return 0


def summary(results: list[Result]) -> dict[str, float]:
    missed = [item.seconds for item in results if not item.found]
    return {
        "bugs": len(results),
        "found": sum(item.found for item in results),
        "right": sum(item.right == "right" for item in results),
        "unread": sum(item.right == "unread" for item in results),
        "median_seconds": statistics.median(item.seconds for item in results),
        "median_seconds_of_a_no": statistics.median(missed or [0.0]),
        "median_cpu": statistics.median(item.cpu for item in results),
    }


def _line(item: Result) -> str:
    changed = [line for line in item.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    head = f"{item.repository.partition('/')[2][:14]:14} {item.commit[:8]} {item.title[:50]:50}"
    numbers = (
        f"{item.plausible:3} plausible {item.tried:5}/{item.edits:5} tried {item.seconds:5.1f} s {item.cpu:5.1f} CPU s"
    )
    if not item.found:
        return f"{head} NOT FOUND  {numbers}  {item.reason}"
    ours = f"{item.right} [{digest(item.diff)}]" + (f" (the fix is number {item.place})" if item.place else "")
    return f"{head} FOUND      {numbers}  {ours}\n    {item.reason}\n    " + "\n    ".join(changed)


if __name__ == "__main__":
    sys.exit(main())
