"""How long `solve run` takes to its first command in a sandbox, where the environment is in the cache.

`python tests/bench/run_start.py [KIND...]`: from the start of the process to its line before the first test run, wall
clock, and beside it the processor time of the program, which other work on the machine does not lengthen. The first
run fills the cache and does not count. Exit status 1 if a median is above the goal.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL = 2.0  # seconds
RUNS = 5
FILES = {
    "pyproject.toml": '[project]\nname = "shapes"\nversion = "1"\n',
    "shapes.py": "def area(w, h):\n    return w + h\n",
    "tests/test_area.py": "from shapes import area\n\n\ndef test_area():\n    assert area(2, 3) == 6\n",
}


def main() -> int:
    medians = [measured(kind) for kind in sys.argv[1:] or ("docker", "bubblewrap")]
    return 0 if max(medians) < GOAL else 1


def measured(kind: str) -> float:
    with tempfile.TemporaryDirectory(prefix="solve-start-") as folder:
        tree = repository(Path(folder) / "tree")
        runs = [run(tree, kind, Path(folder), number) for number in range(RUNS + 1)][1:]
    seconds = statistics.median(wall for wall, _ in runs)
    cpu = statistics.median(used for _, used in runs)
    print(f"{kind}: {seconds:.2f} s to the first command, median of {RUNS}; the whole program used {cpu:.2f} CPU s")
    return seconds


def repository(tree: Path) -> Path:
    for name, text in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    person = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*person, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    return tree


def run(tree: Path, kind: str, folder: Path, number: int) -> tuple[float, float]:
    """Wall seconds to the first command, and processor seconds of the whole program."""
    out = folder / f"{kind}-{number}"
    command = [f"{sys.prefix}/bin/solve", "run", "--repo", str(tree), "--issue", "test_area fails", "--model", "empty"]
    environment = {**os.environ, "SOLVE_CACHE_DIR": str(folder / "cache")}
    before, started, first = used(), time.monotonic(), 0.0
    with subprocess.Popen(
        [*command, "--sandbox", kind, "--out", str(out)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert program.stderr is not None
        said = []
        for line in program.stderr:
            said.append(line)
            if "twice on the base" in line and not first:
                first = time.monotonic() - started
    if program.returncode != 1 or not first:  # 1: no patch
        raise SystemExit("".join(said))
    return first, used() - before


def used() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    sys.exit(main())
