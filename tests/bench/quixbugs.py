"""How many of QuixBugs' Python programs the repair engine finds a patch for that passes all their given tests.

    python tests/bench/quixbugs.py --quixbugs DIR [-j N] [--seconds S] [--json | --oracle] [NAME ...]

DIR is a checkout of https://github.com/jkoppel/QuixBugs. The engine runs as it does in the product: by `RepairSolver`
in bubblewrap: known programs are unknown ones after an edit. A tree in which the correct programs stand says which
tests there are; those of them that do not pass on the buggy program show the bug. A patch counts as found when the
solver delivers it: all given tests pass in a process of its own. Whether it is right too, `quixbugs_oracle.py` says.

CPU seconds are user and system time of this process in the whole solve, and of pytest and all its forks in the sandbox:
from its start to the end of the search; "to the first" only until the first plausible patch has passed its fresh
process. The given tests' own run with the delivered patch, at the end, is not in them.

`--oracle` repairs nothing: it asks the oracle of the buggy and of the correct programs as they are.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.repair.solver import RepairSolver
from sandbox import open_sandbox
from sandbox.api import Image
from sandbox.testlog import TestCase, TestReport
from sandbox.testrun import run_tests
from tasks.event import silent
from tasks.limits import Budget
from tasks.solvers import Site
from tasks.task import Attempt, Issue, Task
from tasks.verdict import Verdict

COMMAND = "python -m pytest"
PARTS = ("python_testcases", "json_testcases", "conftest.py")
ORACLE = Path(__file__).with_name("quixbugs_oracle.py")
GRAPHS = Path(__file__).with_name("quixbugs_graphs.py")  # which that imports
HANGS = 6.0  # seconds without an end after which a run of the buggy program is taken to hang
ENV = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONHASHSEED": "0"}


@dataclass(frozen=True)
class Result:
    program: str
    found: bool
    reason: str
    showing: int
    plausible: int
    tried: int  # edits until the search ended
    to_first: int  # edits until the first plausible one
    cpu: float  # seconds until the search ended
    cpu_to_first: float  # the same until the first plausible one
    diff: str
    right: str  # what the oracle says of the patch that was delivered: right, or why not


def image(quixbugs: Path, programs: str, folder: Path) -> Image:
    """A folder with the programs of that sort as `python_programs`, and this environment."""
    tree = folder / "tree"
    shutil.copytree(quixbugs / programs, tree / "python_programs")
    for part in PARTS:
        source = quixbugs / part
        if source.is_dir():
            shutil.copytree(source, tree / part)
        else:
            shutil.copy(source, tree / part)
    return _image(folder)


def _image(folder: Path) -> Image:
    """Of a folder that holds `tree`, with this environment."""
    (folder / "venv").symlink_to(sys.prefix)
    return Image("bubblewrap", str(folder), "/work", ENV)


def baseline(buggy: Image, test: str, names: frozenset[str]) -> TestReport:
    """The buggy program's own run. Where it hangs, the test that hung has failed and the others go on."""
    cases: dict[str, TestCase] = {}
    seconds = 0.0
    left = sorted(names)
    while left:
        with open_sandbox(buggy) as sandbox:
            report = run_tests(sandbox, COMMAND, left, timeout=HANGS)
            seconds += report.seconds
            # The last one reported before a time-out may have hung after its set-up: it is run again.
            done = list(report.cases) if report.usable else list(report.cases)[:-1]
            cases.update((name, report.cases[name]) for name in done)
            if not done:
                report = run_tests(sandbox, COMMAND, left[:1], timeout=HANGS)
                case = report.cases.get(left[0]) if report.usable else None
                cases[left[0]] = case or TestCase(left[0], "failed", 0.0, "did not end")
        left = [name for name in left if name not in cases]
    return TestReport(f"{COMMAND} {test}", 1, seconds, cases)


def solve(quixbugs: Path, program: str, seconds: float) -> Result:
    test = f"python_testcases/test_{program}.py"
    with tempfile.TemporaryDirectory(prefix="quixbugs-") as scratch:
        folder = Path(scratch)
        correct = image(quixbugs, "correct_python_programs", folder / "correct")
        buggy = image(quixbugs, "python_programs", folder / "buggy")
        with open_sandbox(correct) as sandbox:
            names = run_tests(sandbox, COMMAND, [test], timeout=60).ids("passed")
        base = baseline(buggy, test, names)
        offered: list[float] = []  # when, in this process's CPU seconds
        site = Site(
            open=lambda: open_sandbox(buggy),
            tree=folder / "buggy" / "tree",
            patch=lambda files: b"".join(data or b"" for data in files.values()),
            baseline=base,
            showing=tuple(sorted(names - base.ids("passed"))),
            test_command=COMMAND,
            budget=Budget(),
            tell=silent,
            offer=lambda _: offered.append(time.process_time()),
            verdict=lambda attempt: Verdict("unreproduced", "not asked for"),
            folder=folder / "run",
        )
        started = time.process_time()
        attempt = RepairSolver(seconds).solve(Task(program, "QuixBugs", "", Issue(program, "")), site)
        record = folder / "run" / "repair.json"
        known = json.loads(record.read_text()) if record.exists() else {}
        own = [until - started for until in (time.process_time(), *offered[:1])]
        return _result(program, site, attempt, known, own, oracle(quixbugs, program, attempt.patch, folder))


def oracle(quixbugs: Path, program: str, patched: bytes, scratch: Path) -> str:
    """What `quixbugs_oracle.py` says, in a sandbox: a patch may do anything where it runs."""
    if not patched:
        return "no patch"
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        tree = Path(folder, "tree")
        (tree / "patched").mkdir(parents=True)
        (tree / "patched" / f"{program}.py").write_bytes(patched)
        correct = quixbugs / "correct_python_programs" / f"{program}.py"
        cases = quixbugs / "json_testcases" / f"{program}.json"
        for source in (ORACLE, GRAPHS, correct, *((cases,) if cases.exists() else ())):
            shutil.copy(source, tree)
        command = ["python", ORACLE.name, correct.name, f"patched/{program}.py", cases.name]
        with open_sandbox(_image(Path(folder))) as sandbox:
            done = sandbox.exec(command, timeout=600)
    return done.stdout.decode("utf-8", "replace").strip() or f"wrong: {done.text().strip()[-200:]}"


def _result(
    program: str, site: Site, attempt: Attempt, record: Mapping[str, Any], own: Sequence[float], right: str
) -> Result:
    """`own`: CPU seconds of this process, in all, and until it had the first patch in its hands if it ever had."""
    plausible = record.get("plausible", [])
    search, first = record.get("search") or {}, record.get("first_plausible") or {}
    return Result(
        program=program,
        right=right,
        found=attempt.ended == "patched",
        reason=attempt.reason,
        showing=len(site.showing),
        plausible=len(plausible),
        tried=search.get("tried", 0),
        to_first=first.get("tried", 0),
        cpu=round(own[0] + search.get("cpu", record.get("survey_cpu", 0.0)), 2),
        cpu_to_first=round(own[-1] + first.get("cpu", 0.0), 2),
        diff=plausible[0]["diff"] if plausible else "",
    )


def judge(quixbugs: Path, names: list[str]) -> int:
    """Print what the oracle says of programs whose answer is known. Returns of how many it is mistaken."""
    mistaken = 0
    with tempfile.TemporaryDirectory(prefix="quixbugs-") as scratch:
        for program in names:
            for folder, right in (("python_programs", False), ("correct_python_programs", True)):
                said = oracle(quixbugs, program, (quixbugs / folder / f"{program}.py").read_bytes(), Path(scratch))
                mistaken += (said == "right") != right
                print(f"{program:28} {folder:24} {said[:100]}", flush=True)
    print(f"{mistaken} of {2 * len(names)} are judged wrongly")
    return mistaken


def programs(quixbugs: Path) -> list[str]:
    return sorted(
        path.stem.removeprefix("test_")
        for path in (quixbugs / "python_testcases").glob("test_*.py")
        if (quixbugs / "python_programs" / path.name.removeprefix("test_")).exists()
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quixbugs", type=Path, required=True, metavar="DIR")
    parser.add_argument("-j", type=int, default=1, metavar="N")
    parser.add_argument("--seconds", type=float, default=60.0, help="wall seconds a program")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--oracle", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    names = options.names or programs(options.quixbugs)
    if not names:
        print(f"no python_testcases in {options.quixbugs}: give a checkout of jkoppel/QuixBugs", file=sys.stderr)
        return 2
    if options.oracle:
        return 1 if judge(options.quixbugs, names) else 0
    count = len(names)
    with ProcessPoolExecutor(options.j) as pool:
        results = []
        for result in pool.map(solve, [options.quixbugs] * count, names, [options.seconds] * count):
            results.append(result)
            if not options.json:
                print(_line(result), flush=True)
    found = [result for result in results if result.found]
    summary = {
        "programs": len(results),
        "found": len(found),
        "right_first": sum(result.right == "right" for result in results),
        "median_cpu": statistics.median(result.cpu for result in results),
        "median_cpu_to_first": statistics.median([result.cpu_to_first for result in found] or [0.0]),
        "median_tried_to_first": statistics.median([result.to_first for result in found] or [0]),
    }
    print(
        json.dumps({**summary, "results": [asdict(result) for result in results]}, indent=2)
        if options.json
        else summary
    )
    return 0 if len(found) == len(results) else 1


def _line(result: Result) -> str:
    changed = [line for line in result.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    head = f"{result.program:28} {'found' if result.found else 'NOT FOUND':10}"
    judged = f"{result.right}  {' '.join(changed) or result.reason}"
    numbers = f"{result.showing:3} failing {result.plausible:3} plausible {result.to_first:5}/{result.tried:5} tried"
    return f"{head}{numbers} {result.cpu_to_first:6.2f} {result.cpu:6.2f} CPU s  {judged}"


if __name__ == "__main__":
    sys.exit(main())
