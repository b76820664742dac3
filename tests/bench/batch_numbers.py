"""What a batch costs beside its work, measured in one run: make bench-batch.

    batch_numbers.py [--part NAME]... [--tasks N]     parts: overhead, runner, efficiency, memory, ledger, docker

`efficiency` and `docker` time one attempt alone, then many on W workers: N attempts of t seconds on W workers cannot
take less than t·N/W, and what share of the wall that is, is the efficiency. An attempt has five calls of its model; how
long the model thinks makes t two minutes with 64 workers, which is little for a real one, and one minute in docker.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_local import Local
from bench_site import PROGRAM, play, site
from bench_work import Floor, ScriptedWork, jobs
from model_server import Act, ModelServer

from tasks.adaptive import Lanes
from tasks.bench import Crew
from tasks.ledger import Line, sealed


def thinking(seconds: float) -> Callable[[dict[str, Any]], Act]:
    """A model that takes so long for each reply."""

    def answer(request: dict[str, Any]) -> Act:
        time.sleep(seconds)
        return play(request)

    return answer


def overhead(folder: Path, tasks: int) -> dict[str, object]:
    """CPU of the runner for an attempt that does nothing: agenda, budgets, ledger, all states."""
    floor = Floor(folder, ScriptedWork(), crew=Crew(8, 8))
    names = [f"r{number}" for number in range(tasks)]
    cpu, wall = time.process_time(), time.monotonic()
    floor.run(jobs(*names))
    used, took = time.process_time() - cpu, time.monotonic() - wall
    return {"tasks": tasks, "cpu_ms_a_task": 1000 * used / tasks, "wall_ms_a_task": 1000 * took / tasks}


def runner(folder: Path, tasks: int, workers: int = 64, seconds: float = 5.0) -> dict[str, object]:
    """The runner alone: attempts that sleep, with their budgets and every line of the ledger synced."""
    floor = Floor(folder, ScriptedWork(lambda job, watched: time.sleep(seconds)), crew=Crew(workers, workers))
    names = [f"r{number}" for number in range(tasks)]
    began = time.monotonic()
    floor.run(jobs(*names))
    wall = time.monotonic() - began
    return {"tasks": tasks, "workers": workers, "seconds_wall": wall, "efficiency": seconds * tasks / workers / wall}


def efficiency(folder: Path, tasks: int, workers: int = 64) -> dict[str, object]:
    """Scripted model over HTTP, the real team, a sandbox in memory, a verdict that takes no time."""
    with ModelServer(thinking(24.0)) as server:
        local = Local(folder, server.url, Lanes(start=workers))
        local.run(folder / "warm", 1, 1)
        began = time.monotonic()
        local.run(folder / "alone", 1, 1)
        alone = time.monotonic() - began
        began, cpu = time.monotonic(), time.process_time()
        history = local.run(folder / "many", tasks, workers)
        wall, used = time.monotonic() - began, time.process_time() - cpu
    assert all(result.resolved for result in history.results())
    return {
        "tasks": tasks,
        "workers": workers,
        "seconds_alone": alone,
        "seconds_wall": wall,
        "efficiency": alone * tasks / workers / wall,
        "cpu_ms_a_task": 1000 * used / tasks,
    }


def memory(folder: Path, tasks: int) -> dict[str, object]:
    """The largest this process has been while all attempts were in flight at once."""
    with ModelServer(thinking(3.0)) as server:
        local = Local(folder, server.url, Lanes(start=tasks))
        history = local.run(folder / "run", tasks, tasks)
    assert all(result.resolved for result in history.results())
    return {"in_flight": tasks, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


def ledger(folder: Path, tasks: int) -> dict[str, object]:
    """A finished batch of three solvers: the same command again, its start alone, and its report."""
    rows, models = folder / "rows.jsonl", ("gold", "empty", "repair")
    with rows.open("w") as file:
        for number in range(tasks):
            fields = {"instance_id": f"org__r-{number}", "repo": "org/r", "base_commit": "a" * 40, "patch": "x" * 1500,
                      "problem_statement": "wrong", "test_patch": "y" * 1500, "FAIL_TO_PASS": ["t::a"]}  # fmt: skip
            file.write(json.dumps(fields) + "\n")
    command = [sys.executable, "-c", PROGRAM, "bench", str(rows), "--out", str(folder / "run"), "-j", "1"]
    command += [part for model in models for part in ("--model", model)]
    (folder / "run").mkdir()
    finished(folder / "run", tasks, models)
    report = [sys.executable, "-c", PROGRAM, "report", str(folder / "run")]
    return {
        "attempts": tasks * len(models),
        "megabytes": (folder / "run" / "ledger.jsonl").stat().st_size / 1e6,
        **in_process(folder / "run"),
        **started([*command, "--json"]),
        **timed("command", [*command, "--json"]),
        **timed("report", report),
    }


def finished(folder: Path, tasks: int, models: tuple[str, ...]) -> None:
    with (folder / "ledger.jsonl").open("wb") as file:
        number = 0
        for task in range(tasks):
            for model in models:
                known = {"instance_id": f"org__r-{task}", "model_name_or_path": model, "model_patch": "p" * 1500}
                verdict = {
                    "outcome": "resolved" if task % 3 else "unresolved",
                    "cause": "" if task % 3 else "tests_failed",
                }
                states: list[tuple[Any, dict[str, object]]] = [
                    ("solving", {}), ("solved", known | {"tokens_in": 9000, "dollars": 0.1, "seconds": 60.0}),
                    ("grading", {}),
                    ("graded", verdict | {"grading": {"tests": 9.0}, "fail_to_pass": {"t::a": "passed"}}),
                ]  # fmt: skip
                for state, result in states:
                    line = Line(n=number, at=1.0, state=state, key=(f"org__r-{task}", model, 1), result=result)
                    file.write(sealed(line))
                    number += 1


def in_process(folder: Path) -> dict[str, float]:
    """From nothing but the ledger to every attempt's standing: what a start has to read again."""
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from tasks.ledger import Ledger\nfrom tasks.history import History\n"
        "began, cpu = time.monotonic(), time.process_time()\n"
        "history = History.of(Ledger(Path(sys.argv[1])).lines)\n"
        "print(time.monotonic() - began, time.process_time() - cpu)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    wall, cpu = map(float, done.stdout.split())
    return {"ledger_seconds": wall, "ledger_cpu_seconds": cpu}


def started(command: list[str]) -> dict[str, float]:
    """From nothing but the files until the batch says how much is left to do: work would begin then (Linux)."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        assert running.stderr
        said = running.stderr.readline()
        wall = time.monotonic() - began
        ticks = Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        running.stderr.read()
    assert b"done before" in said, said
    return {"start_seconds": wall, "start_cpu_seconds": sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")}


def timed(name: str, command: list[str]) -> dict[str, float]:
    """By the clock and by the processor: on a busy machine the first says more of the others."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {f"{name}_seconds": wall, f"{name}_cpu_seconds": cpu}


def docker(folder: Path, tasks: int, workers: int = 2) -> dict[str, object]:
    """`solve bench` as a program, in real containers: one attempt alone, then many."""
    with ModelServer(thinking(10.0)) as server:
        one = site(folder / "one", 1, server.url)
        many = site(folder / "many", tasks, server.url)
        one.run(folder / "warm")
        began = time.monotonic()
        status, _, complained = one.run(folder / "alone")
        assert status == 0, complained
        alone = time.monotonic() - began
        (folder / "many" / "cache").symlink_to(folder / "one" / "cache")
        began = time.monotonic()
        status, _, complained = many.run(folder / "run", jobs=workers)
        assert status == 0, complained
        wall = time.monotonic() - began
    return {
        "tasks": tasks,
        "workers": workers,
        "seconds_alone": alone,
        "seconds_wall": wall,
        "efficiency": alone * tasks / workers / wall,
    }


PARTS: dict[str, tuple[Callable[[Path, int], dict[str, object]], int]] = {
    "overhead": (overhead, 2000),
    "runner": (runner, 640),
    "efficiency": (efficiency, 128),
    "memory": (memory, 200),
    "ledger": (ledger, 10_000),
    "docker": (docker, 6),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--tasks", type=int, default=0)
    asked = parser.parse_args()
    for name in asked.part or [part for part in PARTS if part != "docker"]:
        if len(asked.part or []) != 1:  # each in a process of its own: memory is measured over its whole life
            subprocess.run([sys.executable, __file__, "--part", name, "--tasks", str(asked.tasks)], check=True)
            continue
        measure, usual = PARTS[name]
        with tempfile.TemporaryDirectory(prefix="solve-numbers-") as folder:
            found = measure(Path(folder), asked.tasks or usual)
        shown = {key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()}
        print(json.dumps({"part": name, **shown}), flush=True)


if __name__ == "__main__":
    main()
