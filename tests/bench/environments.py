"""In how many real packages does the environment build, and the package's own suite run, unattended?

Each is a source distribution as its authors released it: what stands in it is all that is known. `python
tests/bench/environments.py [--only NAME,...]`; one build at a time. A suite counts as run if its report can be used
and at most a tenth of its tests fail: tests that need a network, or data left out of the release, fail everywhere.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.requirements import Requirement

from sandbox import open_sandbox
from sandbox.api import BadInput, SandboxError
from sandbox.base import host_base
from sandbox.discovery.detect import detect
from sandbox.sdist import fetch
from sandbox.settle import Settled, settle
from sandbox.testlog import TestReport
from sandbox.testrun import run_tests

# Chosen for their back ends and ages before anything was run on them; the year is that of the release.
PACKAGES = {
    "six==1.10.0": 2015, "xmltodict==0.12.0": 2019, "isodate==0.6.1": 2021, "parso==0.8.3": 2021,
    "voluptuous==0.13.1": 2022, "tabulate==0.9.0": 2022, "requests-mock==1.11.0": 2023, "simplejson==3.19.2": 2023,
    "wrapt==1.16.0": 2023, "contourpy==1.2.0": 2023, "attrs==23.2.0": 2023, "pathspec==0.12.1": 2023,
    "markupsafe==2.1.5": 2024, "pluggy==1.4.0": 2024, "humanize==4.9.0": 2024, "more-itertools==10.2.0": 2024,
    "tomlkit==0.12.4": 2024, "itsdangerous==2.2.0": 2024, "msgpack==1.0.8": 2024, "unearth==0.15.0": 2024,
}  # fmt: skip
GOAL = 17
SUITE_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Row:
    package: str
    year: int
    backend: str = ""
    command: str = ""
    built: bool = False
    ran: bool = False
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0  # from the unpacked tree to the image
    again: float = 0.0  # the same, found in the cache
    learned: tuple[str, ...] = ()
    reason: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names, with commas between them")
    parser.add_argument("--out", type=Path, default=Path("runs/accept-environments.jsonl"))
    parser.add_argument("--cache", type=Path, help="default: an empty one")
    given = parser.parse_args()
    chosen = [name for name in PACKAGES if not given.only or name.partition("==")[0] in given.only.split(",")]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="solve-environments-") as scratch, given.out.open("a") as out:
        rows = []
        for name in chosen:
            rows.append(measured(name, PACKAGES[name], given.cache or Path(scratch) / "cache", Path(scratch)))
            out.write(json.dumps(asdict(rows[-1])) + "\n")
            out.flush()
            print(line(rows[-1]), flush=True)
    ran = sum(row.ran for row in rows)
    print(f"\n{sum(row.built for row in rows)} of {len(rows)} build, the suite of {ran} runs; the goal is {GOAL} of 20")
    return 0 if ran >= min(GOAL, len(rows)) else 1


def measured(name: str, year: int, cache: Path, scratch: Path) -> Row:
    row = Row(name, year)
    start = time.monotonic()
    try:
        tree = fetch(Requirement(name), host_base("").python, scratch)
        recipe = detect(tree)
        row = Row(name, year, recipe.backend or "none", recipe.test_command)
        start = time.monotonic()
        found = settle(tree, recipe, "docker", cache=cache, tell=lambda text: print(f"  {text}", file=sys.stderr))
        seconds = time.monotonic() - start
        start = time.monotonic()
        settle(tree, recipe, "docker", cache=cache, tell=print)
        again = time.monotonic() - start
        with open_sandbox(found.image) as sandbox:
            report = run_tests(sandbox, found.recipe.test_command, timeout=SUITE_SECONDS)
        return judged(row, found, report, seconds, again)
    except (SandboxError, BadInput) as error:
        why = " ".join(str(error).split())[-300:]
        return Row(**{**asdict(row), "seconds": time.monotonic() - start, "reason": why})


def judged(row: Row, found: Settled, report: TestReport, seconds: float, again: float) -> Row:
    passed, failed = len(report.ids("passed")), len(report.ids("failed", "error"))
    ran = report.usable and passed > 0 and failed * 10 <= len(report.cases)
    reason = report.problem or next((case.message.strip()[-200:] for case in report.cases.values() if case.fails), "")
    return Row(
        **{
            **asdict(row), "built": True, "ran": ran, "passed": passed, "failed": failed, "seconds": seconds,
            "again": again, "learned": tuple(f"{item.kind} {item.value}" for item in found.learned),
            "command": found.recipe.test_command, "reason": " ".join(reason.split()),
        }
    )  # fmt: skip


def line(row: Row) -> str:
    said = "; ".join([*row.learned, row.reason])
    return (
        f"| {row.package} | {row.year} | {row.backend} | `{row.command}` | {'yes' if row.built else 'no'} "
        f"| {'yes' if row.ran else 'no'} | {row.passed} / {row.failed} | {row.seconds:.0f} | {row.again:.2f} | {said} |"
    )


if __name__ == "__main__":
    sys.exit(main())
